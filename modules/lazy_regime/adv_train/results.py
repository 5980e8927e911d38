"""`lazy_regime.adv_train` analysed: from rows per net to cells, places where accuracy passes one half, and powers.

Nets of one cell are independent; the nets of one run in cells of one shape begin alike.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import polars as pl

from modules.lazy_regime.adv_train import claims as judged
from modules.lazy_regime.adv_train.config import AdvTrainConfig
from modules.lazy_regime.adv_train.transition import power, transition, width
from suite.claims import Claim
from suite.statistics import Estimate, against, bracketed_mean_of, estimates, mean, rate_of
from suite.tables import Shown

SHAPE = ["panel", "order", "d", "m"]

WHOLE, UPPER = "all values", "upper half"

POWER = -0.5  # both: eps ~ 1 / sqrt d by Theorem 3.1, and the radius of the lazy ball ~ 1 / sqrt m


def cells(nets: pl.DataFrame, config: AdvTrainConfig) -> pl.DataFrame:
    """Robust accuracy per panel, order and cell: its mean over n runs; of a single net, the share of n images.

    clean, by_rule, robust_train, epochs, stalled, touching: means over the runs.
    """
    cell = [*SHAPE, "eps", "radius"]
    means = [pl.col(name).mean() for name in ("clean", "by_rule", "robust_train", "epochs", "stalled", "touching")]
    table = nets.group_by(cell, maintain_order=True).agg(mean("robust"), *means).unnest("estimate")
    if config.networks == 1:
        of_images = estimates(
            nets, cell, lambda net: rate_of(round(net["robust"].item() * net["n"].item()), net["n"].item())
        )
        table = table.update(of_images, on=cell)
    return table.with_columns(pl.col("low").clip(lower_bound=0), pl.col("high").clip(upper_bound=1))


def passages(nets: pl.DataFrame) -> pl.DataFrame:
    """Where the robust accuracy of each run passes one half, in units of eps or of the radius.

    at_least, at_most: equal but for a step: accuracy that jumps within one gap of the grid, known to that gap only.
    steepness: of the fitted curve, none for a step. misfit: root mean square of accuracy minus curve. beyond: without
    a passage on the grid, on which side of it the run's mean accuracy says that it would be.
    """
    rows = []
    for key, net in _with_axes(nets).group_by([*SHAPE, "across", "run"], maintain_order=True):
        row: dict[str, Any] = dict(zip([*SHAPE, "across", "run"], key, strict=True))
        place = transition(net["along"], net["robust"])
        if place is not None:
            row |= {"at_least": np.exp(place.low), "at_most": np.exp(place.high), "misfit": place.misfit}
            row |= {"steepness": place.steepness}
        else:
            robust = net.select(pl.col("robust").mean() > 0.5).item()
            row["beyond"] = "above the grid" if robust == (row["panel"] == "dimension") else "below the grid"
        rows.append(row)
    numbers = dict.fromkeys(("at_least", "at_most", "steepness", "misfit"), pl.Float64)
    keys = {"panel": pl.String, "order": pl.String, **dict.fromkeys(("d", "m", "across", "run"), pl.Int64)}
    return pl.DataFrame(rows, schema={**keys, **numbers, "beyond": pl.String})


def transitions(passages: pl.DataFrame, nets: pl.DataFrame) -> pl.DataFrame:
    """The eps or radius at which robust accuracy passes one half, per panel, order and shape: geometric mean over runs.

    None unless every run passes one half on the grid: n of `runs` do, beyond says on which side the others would.
    steps: runs that are known to a gap of the grid only. scaled: value sqrt d or sqrt m. width: the factor between
    accuracy of 10 % and 90 %, the median run's, none where all are steps. misfit: the largest of the runs. touching:
    the share of neurons on the surface of their ball in the cell next to the value, over runs: near 0 it is not the
    ball that stops them.
    """
    passed, step = pl.col("at_least").is_not_null(), pl.col("steepness").is_null()
    facts = passages.group_by([*SHAPE, "across"], maintain_order=True).agg(
        along=pl.when(pl.col("panel").first() == "dimension").then(pl.lit("eps")).otherwise(pl.lit("radius")),
        width=pl.col("steepness").map_elements(width, return_dtype=pl.Float64).median(),
        misfit=pl.col("misfit").max(),
        steps=(passed & step).sum().cast(pl.Int64),
        n=passed.sum().cast(pl.Int64),
        runs=pl.len().cast(pl.Int64),
        beyond=pl.col("beyond").drop_nulls().unique().sort().str.join(", "),
    )
    places = _in_units(estimates(passages.filter(passed.all().over(SHAPE)), SHAPE, _mean_logarithm)).drop("n")
    table = facts.join(places, on=SHAPE, how="left", maintain_order="left")
    table = table.join(_touching(nets, places), on=SHAPE, how="left", maintain_order="left")
    return table.with_columns(scaled=pl.col("value") * pl.col("across").sqrt()).select(
        *SHAPE, "along", "value", "low", "high", "n", "runs", "scaled", "width", "misfit",
        "touching", "touching_low", "touching_high", "steps", "beyond",
    )  # fmt: skip


def powers(passages: pl.DataFrame) -> pl.DataFrame:
    """The power p of place = constant x d^p or m^p, per panel and order: least squares on logarithms for each run.

    Over the values of d or m at which every run passes one half (`points` of `values`), and over the upper half of four
    or more of them, from `first` on: where the two differ there is no one power, and the theory is about large d and m.
    """
    rows = []
    for (panel, order), runs in passages.group_by("panel", "order", maintain_order=True):
        usable = runs.filter(pl.col("at_least").is_not_null().all().over("across"))
        values = usable["across"].unique().sort().to_list()
        parts = {WHOLE: values} | ({UPPER: values[len(values) // 2 :]} if len(values) > 3 else {})
        for part, used in parts.items():
            rows.append(
                {
                    "panel": panel, "order": order, "variable": "d" if panel == "dimension" else "m", "part": part,
                    "first": min(used, default=None), "points": len(used), "values": runs["across"].n_unique(),
                    **_power(usable.filter(pl.col("across").is_in(used))).columns(), "published": POWER,
                }
            )  # fmt: skip
    return pl.DataFrame(
        rows, schema_overrides={"first": pl.Int64, **dict.fromkeys(("value", "low", "high"), pl.Float64)}
    )


def orders(passages: pl.DataFrame, config: AdvTrainConfig) -> pl.DataFrame | None:
    """Per later order and width: the radius of the transition over that in the first order, geometric mean over n runs.

    The last row of an order (m none) is over all widths, of the runs that have a pair at each.
    """
    later = config.orders[1:]
    if "width" not in config.panels or not later:
        return None
    pair = pl.struct("at_least", "at_most")
    pairs = against(
        passages.filter(panel="width"), on=["m", "run"], column="order", reference=config.orders[0], value=pair
    ).filter(pl.col("order") != config.orders[0])
    ratios = pairs.select(
        "order", "m", "run",
        at_least=pl.col("at_least") / pl.col("reference").struct.field("at_most"),
        at_most=pl.col("at_most") / pl.col("reference").struct.field("at_least"),
    ).drop_nulls()  # fmt: skip
    complete = ratios.filter(pl.len().over("order", "run") == len(config.widths))
    over_widths = complete.group_by("order", "run", maintain_order=True).agg(
        pl.col("at_least", "at_most").log().mean().exp(), m=pl.lit(None, pl.Int64)
    )
    both = pl.concat([ratios, over_widths.select(ratios.columns)])
    grid = pl.DataFrame({"order": later}).join(pl.DataFrame({"m": [*config.widths, None]}), how="cross")
    table = grid.join(
        _in_units(estimates(both, ["order", "m"], _mean_logarithm)),
        on=["order", "m"], how="left", nulls_equal=True, maintain_order="left",
    )  # fmt: skip
    return table.select(
        "order", pl.lit(config.orders[0]).alias("against"), "m", "value", "low", "high",
        pl.col("n").fill_null(0), pl.lit(config.networks, pl.Int64).alias("runs"),
    )  # fmt: skip


def claims(
    nets: pl.DataFrame, transitions: pl.DataFrame, powers: pl.DataFrame, orders: pl.DataFrame | None,
    config: AdvTrainConfig,
) -> Iterator[Claim]:  # fmt: skip
    """Powers, sharpness, both ends, clean accuracy, and what the released order does to the transition."""
    yield from judged.of_powers(powers)
    yield from judged.of_transitions(transitions)
    yield from judged.of_ends(_with_axes(nets))
    yield from judged.of_projection(nets)
    if orders is not None:
        yield from judged.of_orders(orders)
    if config.gradient != "bp":
        yield from judged.of_rule(nets)


def headline(powers: pl.DataFrame) -> Mapping[str, Any]:
    """The powers over all values."""
    whole = powers.filter(part=WHOLE).iter_rows(named=True)
    return {f"power of {row['variable']}, {row['order']}": Estimate.read(row, "runs") for row in whole}


def shown(orders: pl.DataFrame | None, config: AdvTrainConfig, facts: Mapping[str, Any]) -> Iterator[Shown]:
    """Where transitions are, their powers, what the order of projection does to them, and the claims."""
    of, attack = config.data(facts["samples"]), f"l2-PGD of {config.attack_steps} steps"
    where = f"Where robust accuracy ({attack}) passes 1/2: {of}; 95 % intervals"
    yield Shown("transitions", where)
    yield Shown("powers", "Powers of d and m in those places, by run; 95 % intervals (Student, over runs)")
    if orders is not None:
        yield Shown("orders", "Radius of the transition over that in the first order, by run and width")
    yield Shown("claims", "What the paper says of Fig. 4, and what these nets say")


def _with_axes(nets: pl.DataFrame) -> pl.DataFrame:
    """With `across`, d or m, and `along`, eps or radius: the axes of the rows' panel."""
    left = pl.col("panel") == "dimension"
    return nets.with_columns(
        across=pl.when(left).then("d").otherwise("m"), along=pl.when(left).then("eps").otherwise("radius")
    )


def _touching(nets: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Share of neurons on the surface of their ball in the cell next to each place, mean over runs."""
    gap = (pl.col("along") / pl.col("value")).log().abs()
    near = _with_axes(nets).join(places, on=SHAPE).filter(gap == gap.min().over(SHAPE))
    of_cell = near.group_by(SHAPE).agg(mean("touching")).unnest("estimate").drop("n")
    return of_cell.rename({"value": "touching", "low": "touching_low", "high": "touching_high"})


def _mean_logarithm(runs: pl.DataFrame) -> Estimate:
    """Of places that are known between two ends each."""
    return bracketed_mean_of(runs["at_least"].log(), runs["at_most"].log(), "nets")


def _in_units(logarithms: pl.DataFrame) -> pl.DataFrame:
    return logarithms.with_columns(pl.col("value", "low", "high").exp())


def _power(passages: pl.DataFrame) -> Estimate:
    """The mean power over runs; none for fewer than two values."""
    if passages["across"].n_unique() < 2:
        return bracketed_mean_of([], [], "nets")
    limits = [power(run["across"], run["at_least"].log(), run["at_most"].log()) for _, run in passages.group_by("run")]
    return bracketed_mean_of([low for low, _ in limits], [high for _, high in limits], "nets")
