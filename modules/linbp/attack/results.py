"""`linbp.attack` analysed: from one row per sample, rule and strength to success rates, paired tests and claims."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from typing import Any

import polars as pl

from modules.linbp import audit as audits
from modules.linbp import cautions
from modules.linbp.agreement import counted
from modules.linbp.attack import claims as judged
from modules.linbp.attack.config import AttackConfig
from modules.linbp.sentences import against_first
from suite.claims import Claim
from suite.refs import format_number
from suite.statistics import Estimate, PairedTest, against, mcnemar, rate
from suite.tables import Shown

CELL = {"eps": pl.Float64, "steps": pl.Int64, "gradient": pl.String}


def by_step(samples: pl.DataFrame, facts: Mapping[str, Any]) -> pl.DataFrame:
    """Success rate at every step of the trajectory, with Wilson's interval: the curves of the figure."""
    cells = _long(samples, facts["steps"], facts["steps"]).group_by("gradient", "eps", "steps", maintain_order=True)
    return cells.agg(rate("fooled")).unnest("estimate").rename({"steps": "step"})


def audit(samples: pl.DataFrame, config: AttackConfig, facts: Mapping[str, Any]) -> pl.DataFrame:
    """Reasons to doubt the success rates, a row each; none is no proof that there are none."""
    flags = [*audits.weaker_with_more(samples, facts["steps"]), *audits.still_rising(samples, facts["steps"])]
    if config.attack == "ifgsm":
        said = cautions.out_of_reach(config.eps, facts["readings"], config.step_size)
        flags += audits.wrapped("out of reach", said, "success would be larger")
    for gradient, shares in facts.get("gradient_health", {}).items():
        said = cautions.useless_gradients({gradient: shares})
        flags += audits.wrapped("useless gradient", said, audits.HIDDEN, gradient)
    if "output_probe" in facts:  # not in runs from before the model was tried
        flags += [*audits.outputs(facts["output_probe"]), *audits.unbounded(facts["unbounded_probe"])]
    return audits.table(flags)


def success(samples: pl.DataFrame, audit: pl.DataFrame, config: AttackConfig, facts: Mapping[str, Any]) -> pl.DataFrame:
    """Success rate per eps, number of steps and rule; McNemar's test against the first rule on the same samples.

    audit: the flags that concern the row; empty where there is none.
    """
    read = _long(samples, facts["steps"], facts["readings"])
    first = config.gradients[0]
    pairs = against(read, on=["id", "eps", "steps"], column="gradient", reference=first, value="fooled")
    cells = pairs.group_by(*CELL).agg(rate("fooled"), mcnemar("fooled", "reference")).unnest("estimate", "test")
    order = pl.DataFrame([*product(config.eps, facts["readings"], config.gradients)], schema=CELL, orient="row")
    table = order.join(cells, on=[*CELL], how="left", nulls_equal=True, maintain_order="left")
    tested = pl.col("gradient") != first
    table = table.with_columns(p_value=pl.when(tested).then("p_value"))
    return audits.beside(table.rename({"only_first": "only_this", "only_second": "only_first_rule"}), audit)


def agreement(
    samples: pl.DataFrame, facts: Mapping[str, Any], exact: pl.DataFrame | None = None
) -> pl.DataFrame | None:
    """Successes that rounding loses and gains against the exact attack on the same images; None where it met none."""
    if exact is None:
        return None
    read = partial(_long, steps=facts["steps"], readings=facts["readings"])
    pairs = read(exact).join(read(samples), on=["id", *CELL], suffix="_rounded", maintain_order="left")
    return counted(pairs, [*CELL])


def members(samples: pl.DataFrame, facts: Mapping[str, Any]) -> pl.DataFrame | None:
    """What the attacks of an ensemble fool one after another; None for other attacks."""
    if "members" not in facts:
        return None
    places = pl.DataFrame({"member": facts["members"]}).with_row_index("place")
    by = samples.with_columns(pl.col("fooled_by").cast(pl.String))  # a column of gaps alone has no type
    first = by.join(places, left_on="fooled_by", right_on="member", how="left", maintain_order="left")
    so_far = first.join(places, how="cross", suffix="_asked").with_columns(
        fooled=(pl.col("place") <= pl.col("place_asked")).fill_null(False)
    )
    return so_far.group_by("gradient", "eps", "member", maintain_order=True).agg(rate("fooled")).unnest("estimate")


def claims(success: pl.DataFrame, config: AttackConfig) -> Iterator[Claim]:
    """Table 1 and Sec. 4.2 of Li et al."""
    yield from judged.higher_at_every_step(success, config)
    yield from judged.all_after_many(success)
    yield from judged.table_1(success, config)


def headline(success: pl.DataFrame, config: AttackConfig, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Success of every rule at the largest eps and number of steps; starts that were calibrated."""
    eps, last = max(config.eps), facts["readings"][-1]
    at = success.filter(pl.col("eps") == eps, pl.col("steps").eq_missing(last))
    where = f"eps {format_number(eps)}" + (f", K {last}" if last else "")
    rates = {
        f"success of {row['gradient']} at {where}": Estimate.read(row, "images") for row in at.iter_rows(named=True)
    }
    return {**facts.get("starts", {}), **rates}


def seen(success: pl.DataFrame, config: AttackConfig, facts: Mapping[str, Any]) -> Iterator[str]:
    """Every rule against the first one at the largest eps and number of steps, and what more steps bring."""
    if not facts["attacked"]:
        return
    eps, last, first = max(config.eps), facts["readings"][-1], config.gradients[0]
    strongest = success.filter(pl.col("eps") == eps)
    at = strongest.filter(pl.col("steps").eq_missing(last))
    tests = [
        PairedTest(row["only_this"], row["only_first_rule"], row["p_value"])
        for row in at.filter(pl.col("gradient") != first).iter_rows(named=True)
    ]
    does = f"at eps {format_number(eps)}" + (f" and K = {last}" if last else "") + " fools the model on"
    yield from against_first(first, does, at.select("gradient", "value").rows(), tests, f"{facts['attacked']} images")
    if len(facts["readings"]) > 1:
        by_steps = strongest.filter(pl.col("gradient") == first).select("steps", "value").rows()
        yield f"more steps: {first} has " + ", ".join(f"{value:.1%} at K = {steps}" for steps, value in by_steps)


def notes(audit: pl.DataFrame, config: AttackConfig, agreement: pl.DataFrame | None = None) -> Iterator[str]:
    """What makes the numbers mean less than they seem to."""
    yield from audits.lines(audit)
    if agreement is not None:
        yield from cautions.lost_to_rounding(agreement.to_dicts(), "under {gradient} at eps {eps} and K = {steps}")
    if config.norm == "linf" and config.input_space == "pixel":
        yield from cautions.more_than_a_pixel(config.eps)
    yield from cautions.nothing_linear(config.gradients)


def shown(
    config: AttackConfig,
    facts: Mapping[str, Any],
    claims: pl.DataFrame,
    audit: pl.DataFrame,
    success: pl.DataFrame,
    members: pl.DataFrame | None = None,
    agreement: pl.DataFrame | None = None,
) -> Iterator[Shown]:
    """Claims and flags where there are any, success, the attacks of an ensemble, and what rounding loses."""
    if len(claims):
        yield Shown("claims", "What Li et al. say of white-box attacks beside what was measured")
    of = f"{facts['attacked']} samples (clean accuracy {facts['clean_accuracy']:.1%})"
    title = f"{config.attack} on {config.model} / {config.dataset}, {of}: success rate, 95 % interval"
    yield Shown("success", title, tuple(name for name in success.columns if name != "audit" or len(audit)))
    if members is not None:
        yield Shown("members", "Share fooled by each attack of the ensemble and those before it")
    if agreement is not None:
        yield Shown("agreement", "Successes of the exact attack that the fast one loses, and others that it gains")


def _long(samples: pl.DataFrame, steps: Sequence[int | None], readings: Sequence[int | None]) -> pl.DataFrame:
    """One row per sample, rule, strength and reading; `fooled` holds a boolean for each of `steps`."""
    read = pl.col("fooled").list.gather([steps.index(reading) for reading in readings])
    numbers = pl.lit(readings, dtype=pl.List(pl.Int64))
    return samples.select("id", "eps", "gradient", read, steps=numbers).explode("fooled", "steps")
