"""`linbp.gates` analysed: gains over backpropagation by arm, the hypotheses' tests, and gain against similarity."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import polars as pl
from scipy.stats import rankdata

from modules.linbp import cautions
from modules.linbp.black_boxes import black_boxes, by_victim
from modules.linbp.gates.config import GatesConfig
from modules.linbp.gates.family import Floats, Outcome, adjusted, judgement, outcome
from modules.linbp.gates.hypotheses import H6, HYPOTHESES, LEVEL, PROBE, Hypothesis
from modules.linbp.gates.names import BP
from suite.claims import CANNOT_TELL, REPRODUCED, Claim, Judgement, direction
from suite.numbers import told_p
from suite.refs import format_number
from suite.statistics import Estimate, against, bootstrap_of, mean, mean_of, named, sign_test
from suite.tables import Shown

SET = ["method", "eps", "surrogate", "arm"]
"""What one set of adversarial images was made with."""

_TESTS = {
    "hypothesis": pl.String, "surrogate": pl.String, "eps": pl.Float64, "first": pl.String, "second": pl.String,
    "value": pl.Float64, "low": pl.Float64, "high": pl.Float64, "n": pl.Int64, "more": pl.Int64, "fewer": pl.Int64,
    "p_value": pl.Float64, "p_beyond": pl.Float64, "p_holm": pl.Float64, "p_beyond_holm": pl.Float64,
}  # fmt: skip

SOURCE = "ours, stated before the run; published: an exploratory probe of ours"


def gains(samples: pl.DataFrame, models: pl.DataFrame) -> pl.DataFrame:
    """One row per set: mean success on the black boxes, and the gain over backpropagation's, paired by image."""
    shown = by_victim(samples, models, SET)
    white = shown.filter(pl.col("victim") == pl.col("surrogate")).group_by(SET).agg(white_box=pl.col("fooled").mean())
    by_image = black_boxes(shown).group_by("id", *SET, maintain_order=True).agg(share=pl.col("fooled").mean())
    on = ["id", "method", "eps", "surrogate"]
    pairs = against(by_image, on=on, column="arm", reference=BP, value="share")
    gain = pl.col("share") - pl.col("reference")
    sets = pairs.group_by(SET, maintain_order=True).agg(
        black_box=pl.col("share").mean(), gain=named(mean(gain), "gain"), test=sign_test(gain),
        n=pl.len().cast(pl.Int64),
    )  # fmt: skip
    table = sets.unnest("gain", "test").rename({"only_first": "more", "only_second": "fewer"})
    compared = pl.when(pl.col("arm") != BP)
    table = table.with_columns(compared.then(pl.col("^gain.*$", "more", "fewer"))).drop("p_value")
    return table.join(white, on=SET, how="left", maintain_order="left")


def hypotheses(samples: pl.DataFrame, models: pl.DataFrame, config: GatesConfig) -> pl.DataFrame:
    """H1 to H5 on each surrogate at each strength, adjusted together (modules.linbp.gates.hypotheses)."""
    shares = _shares(samples, models, config)
    rows, tests = list[dict[str, Any]](), list[Outcome]()
    for ((surrogate, eps), arms), hypothesis in product(shares.items(), HYPOTHESES):
        if {hypothesis.first, hypothesis.second} <= {*arms}:
            differences = arms[hypothesis.first] - arms[hypothesis.second]
            rows.append({"hypothesis": hypothesis.name, "surrogate": surrogate, "eps": eps, "first": hypothesis.first,
                         "second": hypothesis.second, **mean_of(differences).columns()})  # fmt: skip
            tests.append(outcome(differences, same=hypothesis.same))
    made = [
        {**row, "more": test.more, "fewer": test.fewer, "p_value": test.p_value, "p_beyond": test.p_beyond,
         "p_holm": p_holm, "p_beyond_holm": p_beyond}
        for row, test, (p_holm, p_beyond) in zip(rows, tests, adjusted(tests), strict=True)
    ]  # fmt: skip
    return pl.DataFrame(made, schema=_TESTS)


def similarity(samples: pl.DataFrame, models: pl.DataFrame, gradients: pl.DataFrame) -> pl.DataFrame:
    """One row per surrogate, eps, arm and black box: gain on it (mean over methods), and the rise of the cosine."""
    on = ["id", "eps", "surrogate", "victim"]
    fooled = black_boxes(by_victim(samples, models, SET)).group_by(*on, "arm", maintain_order=True).agg(
        share=pl.col("fooled").mean()
    )  # fmt: skip
    gained = against(fooled, on=on, column="arm", reference=BP, value="share")
    angles = against(_cosines(gradients, models), on=["id", "surrogate", "victim"], column="arm", reference=BP,
                     value="cosine").rename({"reference": "of_bp"})  # fmt: skip
    both = gained.join(
        angles, on=["id", "surrogate", "victim", "arm"], how="left", validate="m:1", maintain_order="left"
    )
    table = both.group_by("surrogate", "eps", "arm", "victim", maintain_order=True).agg(
        named(mean("cosine"), "cosine"),
        rise=named(mean(pl.col("cosine") - pl.col("of_bp")), "rise"),
        gain=named(mean(pl.col("share") - pl.col("reference")), "gain"),
        n=pl.len().cast(pl.Int64),
    )  # fmt: skip
    table = table.unnest("cosine", "rise", "gain")
    return table.with_columns(pl.when(pl.col("arm") != BP).then(pl.col("^rise.*$", "^gain.*$")))


def correlation(
    samples: pl.DataFrame, models: pl.DataFrame, gradients: pl.DataFrame, config: GatesConfig
) -> pl.DataFrame:
    """H6 on each surrogate at each strength: Spearman's rank correlation, with a bootstrap over images."""
    schema = {"surrogate": pl.String, "eps": pl.Float64, "pairs": pl.Int64, "value": pl.Float64, "low": pl.Float64,
              "high": pl.Float64, "n": pl.Int64}  # fmt: skip
    fooled, angles = black_boxes(by_victim(samples, models, SET)), _cosines(gradients, models)
    rows = []
    for (surrogate, eps), part in fooled.group_by("surrogate", "eps", maintain_order=True):
        gain = _over_bp(part.group_by("id", "arm", "victim").agg(value=pl.col("fooled").mean()))
        rise = _over_bp(angles.filter(surrogate=surrogate).rename({"cosine": "value"}))
        pairs = gain.shape[1]
        if pairs >= FEWEST_PAIRS:
            estimate = _spearman(gain, rise, config.seed).columns()
            rows.append({"surrogate": surrogate, "eps": eps, "pairs": pairs, **estimate})
    return pl.DataFrame(rows, schema=schema)


FEWEST_PAIRS = 6
"""Of an arm and a victim, for a rank correlation to say something."""


def claims(hypotheses: pl.DataFrame, correlation: pl.DataFrame) -> Iterator[Claim]:
    """H1 to H6, one claim for each surrogate and strength."""
    stated = {each.name: each for each in HYPOTHESES}
    rows = hypotheses.to_dicts()
    family = hypotheses["p_value"].len() + hypotheses["p_beyond"].drop_nulls().len()
    held = set[tuple[str, str]]()
    for row in rows:
        one, setting = stated[row["hypothesis"]], _setting(row)
        test = Outcome(one.same, row["more"], row["fewer"], row["p_value"], row["p_beyond"])
        judged = judgement(test, row["p_holm"], row["p_beyond_holm"], family)
        if judged.verdict == REPRODUCED:
            held.add((one.name, setting))
        if one.needs and (one.needs, setting) not in held:
            judged = Judgement(CANNOT_TELL, f"{one.needs} is not reproduced here; {judged.note}")
        yield Claim(
            f"{one.name}: {one.says}", SOURCE, judged,
            setting=setting, measured=Estimate.read(row, "images"), published=_probe(one, row),
        )  # fmt: skip
    for row in correlation.to_dicts():
        measured = Estimate.read(row, "images")
        judged = direction(measured)
        note = f"{judged.note}; of these {row['pairs']} pairs of an arm and a victim, which are no sample of others"
        yield Claim(f"H6: {H6}", SOURCE, replace(judged, note=note), setting=_setting(row), measured=measured)


def headline(samples: pl.DataFrame, models: pl.DataFrame) -> dict[str, Estimate]:
    """Black-box success of each arm: of each image over all its sets, then over images."""
    images = black_boxes(by_victim(samples, models, SET)).group_by("arm", "id", maintain_order=True).agg(
        share=pl.col("fooled").mean()
    )  # fmt: skip
    means = images.group_by("arm", maintain_order=True).agg(mean("share")).unnest("estimate")
    return {f"black-box success of {row['arm']}": Estimate.read(row, "images") for row in means.iter_rows(named=True)}


def seen(hypotheses: pl.DataFrame, correlation: pl.DataFrame) -> Iterator[str]:
    """Each test of a hypothesis in words."""
    for row in hypotheses.to_dicts():
        points = f"{100 * row['value']:+.1f} points"
        limits = "" if row["low"] is None else f" [{100 * row['low']:+.1f}, {100 * row['high']:+.1f}]"
        if row["p_beyond_holm"] is None:
            told = row["p_holm"] < LEVEL
            word = "not told apart from" if not told else "above" if row["more"] > row["fewer"] else "below"
            told_as = told_p(row["p_holm"])
        else:
            word = "within 2 points of" if row["p_holm"] < LEVEL else "beyond 2 points of"
            word = word if min(row["p_holm"], row["p_beyond_holm"]) < LEVEL else "not told whether within 2 points of"
            told_as = told_p(min(row["p_holm"], row["p_beyond_holm"]))
        yield (
            f"{row['hypothesis']}, {_setting(row)}: {row['first']} is {word} {row['second']}: {points}{limits}, "
            f"{told_as} after Holm, {row['n']} images"
        )
    for row in correlation.to_dicts():
        limits = "" if row["low"] is None else f" [{row['low']:.2f}, {row['high']:.2f}]"
        yield f"H6, {_setting(row)}: rank correlation {row['value']:.2f}{limits} over {row['pairs']} pairs"


def notes(config: GatesConfig) -> Iterator[str]:
    """What makes the numbers mean less than they seem to."""
    yield from cautions.out_of_reach(config.eps, [config.steps], config.step_size)
    yield from cautions.more_than_a_pixel(config.eps)


def shown(config: GatesConfig, facts: Mapping[str, Any]) -> Iterator[Shown]:
    """The gains."""
    n = f"{facts['attacked']} of {facts['chosen']} samples, which all models classify correctly"
    columns = (*SET, "black_box", "gain", "gain_low", "gain_high", "more", "fewer", "white_box")
    yield Shown("gains", f"Success on other models on {config.dataset}, {n}", columns)


def _cosines(gradients: pl.DataFrame, models: pl.DataFrame) -> pl.DataFrame:
    """One row per image, surrogate, arm and black box."""
    victims = pl.lit(models["name"].to_list(), dtype=pl.List(pl.String))
    rows = gradients.select("id", "surrogate", "arm", cosine="cosines", victim=victims).explode("cosine", "victim")
    return black_boxes(rows)


def _shares(
    samples: pl.DataFrame, models: pl.DataFrame, config: GatesConfig
) -> dict[tuple[str, float], dict[str, Floats]]:
    """Surrogate and strength -> arm -> images' shares (N,), in one order; none unless arms are about the last block."""
    if config.positions[0] != "block":
        return {}
    boxes = black_boxes(by_victim(samples, models, SET))
    by_image = boxes.group_by("surrogate", "eps", "id", "arm", maintain_order=True).agg(share=pl.col("fooled").mean())
    wide = by_image.pivot("arm", index=["surrogate", "eps", "id"], values="share").sort("id", maintain_order=True)
    return {
        (str(key[0]), float(key[1])): {arm: part[arm].to_numpy() for arm in part.columns[3:]}
        for key, part in wide.group_by("surrogate", "eps", maintain_order=True)
    }  # fmt: skip


def _over_bp(values: pl.DataFrame) -> Floats:
    """(images, pairs): `value` of each arm and victim minus backpropagation's; both in ascending order."""
    pairs = against(values, on=["id", "victim"], column="arm", reference=BP, value="value").filter(pl.col("arm") != BP)
    wide = pairs.select("id", pair=pl.format("{}|{}", "arm", "victim"), over=pl.col("value") - pl.col("reference"))
    table = wide.sort("pair").pivot("pair", index="id", values="over").sort("id").drop("id")
    return table.to_numpy()


def _spearman(gain: Floats, rise: Floats, seed: int) -> Estimate:
    """Over pairs, of the means over images (N, pairs) of both; images are drawn anew."""

    def statistic(rows: Any) -> dict[str, float]:
        ranks = [rankdata(values[rows].mean(0)) for values in (gain, rise)]
        constant = any(np.ptp(each) == 0 for each in ranks) or not np.isfinite(rise[rows]).all()
        return {"rho": float("nan") if constant else float(np.corrcoef(*ranks)[0, 1])}

    return bootstrap_of(statistic, np.arange(len(gain)), "images", seed=seed)["rho"]


def _setting(row: Mapping[str, Any]) -> str:
    return f"from {row['surrogate']}, eps = {format_number(row['eps'])}"


def _probe(hypothesis: Hypothesis, row: Mapping[str, Any]) -> float | None:
    """What the exploratory probe had seen in this setting."""
    surrogate, eps = PROBE
    return hypothesis.probe if row["surrogate"] == surrogate and abs(row["eps"] - eps) < 1e-9 else None
