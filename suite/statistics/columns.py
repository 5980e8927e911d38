"""Estimates and tests as polars expressions over a group: structs called `estimate` and `test`, to `unnest`; `holm`.

Nulls are left out and not counted. A NaN makes the value and its limits NaN. What a group is too small for is null.
Values must be independent: average those of one cluster first, `group_by(..., cluster).agg(pl.col(column).mean())`.
"""

from collections.abc import Callable
from math import nan

import polars as pl

from suite.statistics import formulas
from suite.statistics.formulas import Array

Column = str | pl.Expr


def rate(holds: Column) -> pl.Expr:
    """The share of true values with Wilson's limits: `value, low, high, n`. Only booleans have one."""
    true = _yes_no(holds)
    successes, n = true.sum(), true.count()
    low, high = _limits(formulas.wilson, successes, n)
    return _estimate(true.mean(), low, high, n, interval=n > 0)


def counted_rate(successes: Column, n: Column) -> pl.Expr:
    """The same for each row, from the numbers of successes and of units that it holds; null where there is neither."""
    true, units = _numbers(successes), _numbers(n)
    low, high = _limits(formulas.wilson, true, units)
    return _estimate(pl.when(units > 0).then(true / units), low, high, units, interval=(units > 0) & true.is_not_null())


def mean(column: Column) -> pl.Expr:
    """The mean with Student's limits: `value, low, high, n`.

    The limits are null for one value, and NaN where a value is infinite.
    """
    values = _numbers(column)
    n = values.count()
    low, high = _limits(formulas.student, values.mean(), values.std(), n)
    return _estimate(values.mean(), low, high, n, interval=n > 1)


def geometric_mean(column: Column) -> pl.Expr:
    """The geometric mean with Student's limits of the logarithms: `value, low, high, n`.

    All NaN where a value is not positive, or infinite.
    """
    values = _numbers(column)
    logs = pl.when(values.is_null() | (values > 0) & values.is_finite()).then(values).otherwise(nan).log()
    n = logs.count()
    low, high = _limits(formulas.student, logs.mean(), logs.std(), n)
    return _estimate(logs.mean().exp(), low.exp(), high.exp(), n, interval=n > 1)


def median(column: Column) -> pl.Expr:
    """The median with exact limits from the ordered values: `value, low, high, n`; the limits are null below n = 6.

    Values may be infinite: censored, such as the step of an event that did not come in time.
    """
    values = _numbers(column)
    n = values.count()
    rank = n.map_batches(
        lambda counts: pl.Series(formulas.median_rank(counts.to_numpy())), pl.Int64, is_elementwise=True
    )
    ordered, wrong = values.drop_nulls().sort(), values.is_nan().any()
    value, low, high = (
        pl.when(wrong).then(nan).otherwise(number)
        for number in (
            values.median(),
            ordered.get(rank - 1, null_on_oob=True),
            ordered.get(n - rank, null_on_oob=True),
        )
    )
    return _estimate(value, low, high, n, interval=rank > 0)


def paired_difference(first: Column, second: Column) -> pl.Expr:
    """Rate of the first minus rate of the second, both of the same rows, with Newcombe's limits: `value, low, high, n`.

    Rows in which either is null are left out.
    """
    one, other = _yes_no(first), _yes_no(second)
    counts = [part.sum() for part in (one & other, one & ~other, ~one & other, ~one & ~other)]
    n = pl.sum_horizontal(counts)
    low, high = _limits(formulas.newcombe, *counts)
    value = (counts[1].cast(pl.Float64) - counts[2].cast(pl.Float64)) / n
    return _estimate(pl.when(n > 0).then(value), low, high, n, interval=n > 0)


def mcnemar(first: Column, second: Column) -> pl.Expr:
    """McNemar's exact test of two methods on the same rows: `only_first, only_second, p_value`.

    Rows in which either is null are left out.
    """
    one, other = _yes_no(first), _yes_no(second)
    return _test((one & ~other).sum(), (~one & other).sum())


def sign_test(difference: Column) -> pl.Expr:
    """The exact sign test of differences, above 0 against below: `only_first, only_second, p_value`.

    Zeros are ties. With a NaN, which is on neither side, the p-value is NaN.
    """
    values = _numbers(difference)
    wrong = values.is_nan().any()
    return _test((values > 0).sum(), (values < 0).sum(), wrong)


def named(estimate: pl.Expr, name: str) -> pl.Expr:
    """An estimate for a table of several: a struct called `name`, of the columns `name`, `name_low`, `name_high`."""
    columns = {"value": name, "low": f"{name}_low", "high": f"{name}_high"}
    return pl.struct([estimate.struct.field(part).alias(column) for part, column in columns.items()]).alias(name)


def holm(p_values: Column) -> pl.Expr:
    """p-values adjusted for their number by Holm (1979), as a column; `.over(...)` makes each group a family.

    A null is no test of the family. A NaN makes all NaN.
    """
    p = _numbers(p_values)
    steps = p.sort(nulls_last=True) * (p.count() - pl.int_range(pl.len()))
    adjusted = steps.cum_max().clip(upper_bound=1.0).gather(p.rank("ordinal").fill_null(pl.len()).cast(pl.Int64) - 1)
    return pl.when(p.is_null() | ~p.is_nan().any()).then(adjusted).otherwise(nan).alias("holm")


def _yes_no(holds: Column) -> pl.Expr:
    """A boolean column; polars refuses to join any other with `True`."""
    return (pl.col(holds) if isinstance(holds, str) else holds) & True


def _numbers(column: Column) -> pl.Expr:
    return (pl.col(column) if isinstance(column, str) else column).cast(pl.Float64)


def _estimate(value: pl.Expr, low: pl.Expr, high: pl.Expr, n: pl.Expr, *, interval: pl.Expr) -> pl.Expr:
    """The struct of an estimate; its limits are null where there is no `interval`."""
    low, high = (pl.when(interval).then(limit) for limit in (low, high))
    return pl.struct(value=value, low=low, high=high, n=n.cast(pl.Int64)).alias("estimate")


def _test(only_first: pl.Expr, only_second: pl.Expr, wrong: pl.Expr | None = None) -> pl.Expr:
    """The struct of a paired test."""
    both = pl.struct(first=only_first, second=only_second)

    def p_values(counts: pl.Series) -> pl.Series:
        return pl.Series(formulas.even_odds(*(column.to_numpy() for column in counts.struct.unnest())))

    p_value = both.map_batches(p_values, pl.Float64, is_elementwise=True)
    if wrong is not None:
        p_value = pl.when(wrong).then(nan).otherwise(p_value)
    first, second = (count.cast(pl.Int64) for count in (only_first, only_second))
    return pl.struct(only_first=first, only_second=second, p_value=p_value).alias("test")


def _limits(formula: Callable[..., tuple[Array, Array]], *arguments: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """A formula of `formulas`, called once for all groups together."""

    def limits(columns: pl.Series) -> pl.Series:
        arrays = (column.cast(pl.Float64).to_numpy() for column in columns.struct.unnest())
        return pl.DataFrame(dict(zip(("low", "high"), formula(*arrays), strict=True))).to_struct()

    both = pl.struct(argument.alias(str(place)) for place, argument in enumerate(arguments)).map_batches(
        limits, pl.Struct({"low": pl.Float64, "high": pl.Float64}), is_elementwise=True
    )
    return both.struct.field("low"), both.struct.field("high")
