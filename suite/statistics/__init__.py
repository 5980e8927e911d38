"""Estimates with 95 % intervals, and tests of paired results, for numbers and for the columns of tables.

A name that ends in `_of` takes numbers and returns them evaluated: `rate_of(7, 20)`, `mean_of(values)`. The same name
without it takes column names and is a polars expression for `group_by(...).agg(...)`, a struct with the same numbers:

    samples.group_by("gradient").agg(rate("fooled")).unnest("estimate")     # columns value, low, high, n
    pairs.group_by("eps").agg(mcnemar("first", "second")).unnest("test")    # columns only_first, only_second, p_value
    nets.group_by("d").agg(rate("robust"), named(mean("loss"), "loss")).unnest("estimate", "loss")

Null and NaN. In a table, null is a gap: it is left out and not counted. NaN is a number that is not one: it makes the
whole estimate NaN, so that it is seen; whoever filters it counts what is lost. An `Estimate` has no null: there, and
there only, NaN stands for a value or limit that does not exist; `Estimate.columns` and `Estimate.read` convert.

Units that are not independent (the points of one net, the starts of one image) are clusters: average them first, or use
`cluster_mean`, `cluster_rate`, `log_log_slope(..., clusters)` and `bootstrap_of`, whose n counts the clusters.
"""

from suite.statistics.clustered import FEWEST, bootstrap_of, cluster_mean, cluster_rate, limits_of_draws, log_log_slope
from suite.statistics.columns import (
    counted_rate,
    geometric_mean,
    holm,
    mcnemar,
    mean,
    median,
    named,
    paired_difference,
    rate,
    sign_test,
)
from suite.statistics.estimates import (
    Estimate,
    bracketed_mean_of,
    geometric_mean_of,
    mean_of,
    median_of,
    paired_difference_of,
    rate_of,
    ratio_of,
)
from suite.statistics.frames import against, estimates, paired
from suite.statistics.regression import slope_of
from suite.statistics.significance import PairedTest, holm_of, mcnemar_of, sign_test_of

__all__ = [
    "FEWEST",
    "Estimate",
    "PairedTest",
    "against",
    "bootstrap_of",
    "bracketed_mean_of",
    "cluster_mean",
    "cluster_rate",
    "counted_rate",
    "estimates",
    "geometric_mean",
    "geometric_mean_of",
    "holm",
    "holm_of",
    "limits_of_draws",
    "log_log_slope",
    "mcnemar",
    "mcnemar_of",
    "mean",
    "mean_of",
    "median",
    "median_of",
    "named",
    "paired",
    "paired_difference",
    "paired_difference_of",
    "rate",
    "rate_of",
    "ratio_of",
    "sign_test",
    "sign_test_of",
    "slope_of",
]
