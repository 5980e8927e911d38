"""What the paper says of a single gradient step (Fig. 2, 3, 5-7, Theorem 3.1), judged on nets.

Its figures show nets that generalise: a comparison with nets that do not is no test of them.
"""

from collections.abc import Iterator
from math import nan

import polars as pl

from modules.lazy_regime.generalising import TEST_ERROR, not_generalising
from modules.lazy_regime.single_step.config import SingleStepConfig
from modules.lazy_regime.single_step.published import COROLLARY, IN_WORDS, PLOTTED
from modules.lazy_regime.trainings import always
from suite.claims import (
    CANNOT_TELL,
    Claim,
    Judgement,
    at_least,
    direction,
    equivalence,
    everywhere,
    number,
    power,
)
from suite.refs import parse_sum
from suite.statistics import Estimate

TOLERANCE = 0.1  # of a power: what curves on a printed page can tell
GAUSSIAN = {"skewness": 0.5, "excess kurtosis": 1.0}  # up to these, a histogram looks Gaussian
PRECISION = 0.1  # half width up to which an interval can confirm a ratio of sqrt 2
_ROUNDING = 1e-4  # of a float32 distance, relatively


def of_dimension(nets: pl.DataFrame, slopes: pl.DataFrame, config: SingleStepConfig) -> Iterator[Claim]:
    """The powers of d at every C0: which one the figure shows is lost.

    The theorem has |x| = 1; pixels as they are grow with d, so that for them the step over |x| is judged as well.
    """
    figure = "Fig. 5" if _is_appendix(config) else "Fig. 2"
    for row in slopes.iter_rows(named=True):
        plotted, of_corollary = row["quantity"] in PLOTTED, row["quantity"] == COROLLARY
        if config.unit_norm and not (plotted or of_corollary):
            continue
        measured = Estimate.read(row, of="nets")
        conditions = not_generalising(nets.filter(m=row["m"], c0=row["c0"]))
        yield Claim(
            f"{IN_WORDS[row['quantity']]} ~ d^{row['published']:g}",
            f"{figure}, Theorem 3.1" if plotted else "Corollary 3.2" if of_corollary else "Theorem 3.1",
            power(measured, row["published"], TOLERANCE, lost=row["lost"], conditions=conditions),
            setting=f"C0 = {row['c0']:g}, m = {row['m']}",
            measured=measured,
            published=row["published"],
        )


def of_turning(nets: pl.DataFrame, slopes: pl.DataFrame) -> Iterator[Claim]:
    """The powers of our closed form for nets that use their whole ball; a net that never left it did not."""
    for row in slopes.filter(pl.col("turned").is_not_null(), pl.col("quantity").is_in(PLOTTED)).iter_rows(named=True):
        measured = Estimate.read(row, of="nets")
        cell = nets.filter(m=row["m"], c0=row["c0"])
        judgement = power(measured, row["turned"], TOLERANCE, lost=row["lost"])
        if stayed := len(cell) - int(cell["left"].sum()):
            judgement = Judgement(
                CANNOT_TELL, f"{stayed} of {len(cell)} nets never left their ball, nor used all of it"
            )
        yield Claim(
            f"{IN_WORDS[row['quantity']]}: the power of a net that uses its whole ball",
            "own closed form",
            judgement,
            setting=f"C0 = {row['c0']:g}, m = {row['m']}",
            measured=measured,
            published=row["turned"],
        )


def of_radius(nets: pl.DataFrame, growth: pl.DataFrame, config: SingleStepConfig) -> Iterator[Claim]:
    """Growth with C0 at the largest width, at every d."""
    m = max(config.widths)
    conditions = not_generalising(nets.filter(m=m))
    for name in PLOTTED:
        powers = growth.filter(m=m, quantity=name).iter_rows(named=True)
        yield Claim(
            f"{IN_WORDS[name]} grows with C0",
            "Fig. 6" if _is_appendix(config) else "Fig. 3",
            everywhere(
                (direction(Estimate.read(row, of="nets"), lost=row["lost"]) for row in powers), conditions=conditions
            ),
            setting=f"every d, m = {m}",
        )


def of_shapes(nets: pl.DataFrame, shapes: pl.DataFrame, config: SingleStepConfig) -> Iterator[Claim]:
    """The histograms of the largest nets with the largest C0."""
    largest = nets.filter(pl.col("d") == pl.col("d").max(), m=max(config.widths), c0=max(config.c0s))
    conditions = not_generalising(largest)
    for row in shapes.iter_rows(named=True):
        measured, most = Estimate.read(row, of="nets"), GAUSSIAN[row["moment"]]
        yield Claim(
            f"the histogram of {row['quantity']} is Gaussian: {row['moment']}",
            "Fig. 7",
            equivalence(measured, -most, most, lost=row["lost"], conditions=conditions),
            measured=measured,
            published=0,
        )


def of_theorem(points: pl.DataFrame, nets: pl.DataFrame) -> Iterator[Claim]:
    """Flips of all correctly classified points, the returned nets' distances, and their test errors."""
    flips = points.with_columns(flips=pl.col("delta").is_finite())
    claim = "a single gradient step flips the sign at every point"
    sizes = nets["largest"].drop_nulls().to_list()
    size = f"|delta| / |x| up to {max(sizes):.2f}" if sizes else ""
    yield always(claim, "Theorem 3.1", flips, "flips", of="correctly classified points", setting=size)
    inside = nets.with_columns(inside=pl.col("distance") <= pl.col("c0") * (1 + _ROUNDING))
    yield always("the returned nets are in the lazy ball", "Sec. 5.1", inside, "inside", of="nets")
    worst = nets.filter(pl.col("accuracy") == pl.col("accuracy").min()).row(0, named=True)
    above = "; ".join(not_generalising(nets)) or f"no net has a test error above {TEST_ERROR:.0%}"
    yield Claim(
        "the test error of every net is below a bound: the largest",
        "Sec. 5.1",
        Judgement(CANNOT_TELL, f"the bound is lost from our copy of the text; {above}"),
        setting=f"C0 = {worst['c0']:g}, d = {worst['d']}, m = {worst['m']}",
        measured=Estimate(1 - worst["accuracy"], nan, nan, len(nets), "nets"),
    )


def of_directions(directions: pl.DataFrame, config: SingleStepConfig) -> Iterator[Claim]:
    """The rule's direction against the gradient's.

    LinBP's direction v = W^T a / sqrt m has cosine 1 / sqrt 2 to the gradient of a wide net at initialisation, of which
    half of the neurons count at random: |grad f|^2 = d / 2, |v|^2 = d, v . grad f = d / 2. So f falls sqrt 2 times
    slower.
    """
    rule = config.gradient
    conditions = [f"derived for linbp, not for {rule}"] * ([call.name for call in parse_sum(rule)] != ["linbp"])
    largest = directions.filter(pl.col("d") == pl.col("d").max(), c0=max(config.c0s))
    for row in largest.iter_rows(named=True):
        measured = Estimate.read(row, of="nets")
        yield Claim(
            f"|delta| along {rule} over that along the gradient",
            "own derivation, linbp on a random net",
            number(measured, 2**0.5, PRECISION, lost=config.networks - row["n"], conditions=conditions),
            setting=f"d = {row['d']}, C0 = {row['c0']:g}, m = {row['m']}",
            measured=measured,
            published=2**0.5,
        )
    yield Claim(
        f"|delta| along {rule} is larger than along the gradient",
        "ours",
        everywhere(
            at_least(Estimate.read(row, of="nets"), 1, lost=config.networks - row["n"])
            for row in directions.iter_rows(named=True)
        ),
        setting="every d, C0 and m",
    )


def _is_appendix(config: SingleStepConfig) -> bool:
    return config.unit_norm and not config.biases
