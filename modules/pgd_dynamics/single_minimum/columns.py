"""What the tables of `pgd_dynamics.single_minimum` hold; light, since `suite info` shows them."""

from modules.pgd_dynamics.glossary import EPS_OVER_TAU, LOSS, NETWORK, OF_NETWORKS, ONE_SIGN
from suite.glossary import CLAIMS, Table

COLUMNS = {
    "loss": LOSS,
    "network": NETWORK,
    "radius": "radius of the sphere, in units of sqrt(d)",
    "eps": "radius of the sphere",
    "n": OF_NETWORKS,
}
_EPS50 = "radius eps50 at which half of the networks have one minimum of L = -loss on the sphere"

TABLES = {
    "claims": CLAIMS,
    "thresholds": Table(
        "the networks of one loss, d and m: where they cease to have one minimum",
        "loss, d, m, value, low, high, n, steepness, tau, eps50_over_sqrt_d",
        {
            "value": f"{_EPS50}; empty where the share stays on a side of one half",
            "low": "lower end of the 95 % bootstrap interval of value, over networks",
            "high": "upper end of the 95 % bootstrap interval of value, over networks",
            "steepness": "k of the fitted share 1 / (1 + (eps / eps50)^k)",
            "tau": "B_l / H of Theorem 5.1 at the smallest eps, median over networks",
            "eps50_over_sqrt_d": "value over sqrt(d), constant if it grows as tau does",
        },
    ),
    "curve": Table(
        "a power of eps50 = constant x d^p m^q for one loss, or the constant",
        "loss, variable, value, low, high, n, predicted",
        {
            "variable": "d, m or the constant",
            "value": "power of the variable, or the constant: least squares on logarithms",
            "low": "lower end of the 95 % bootstrap interval of value, over networks",
            "high": "upper end of the 95 % bootstrap interval of value, over networks",
            "predicted": "power that tau ~ sqrt(d) gives; empty for the constant",
        },
    ),
    "shares": Table(
        "the networks of one loss, d, m and radius",
        "loss, d, m, radius, eps, value, low, high, n, minima, one_sign, guaranteed, missing, unsettled",
        {
            "value": "share of networks with exactly one minimum of L on the sphere, in [0, 1]",
            "minima": "mean number of minima that were found",
            "one_sign": "share of networks whose l' keeps its sign at all sampled points, in [0, 1]",
            "guaranteed": "share of networks with eps < tau and l' of one sign, to which Theorem 5.1 promises one",
            "missing": "estimated share of the sphere whose descents would end at minima that were not found",
            "unsettled": "descents that ended at no strict minimum, of all networks together",
        },
    ),
    "slopes": Table(
        "a network of one d and m: how steep f is on the sphere of radius 1 / log(1 + m)",
        "d, m, eps, network, slope",
        {"slope": "B_l of Lemma 4.3: the least |df| over 128 random points of the sphere"},
    ),
    "minima": Table(
        "a network of one d, m, loss and radius",
        "d, m, loss, radius, eps, starts, network, found, exact, once, unsettled, one_sign, eps_over_tau",
        {
            "starts": "descents from random points of the sphere",
            "found": "distinct minima of L that the descents ended at",
            "exact": "number of minima that there are; known in the plane alone (d = 2)",
            "once": "minima found by one descent only",
            "unsettled": "descents that ended at no strict minimum",
            "one_sign": ONE_SIGN,
            "eps_over_tau": EPS_OVER_TAU,
        },
    ),
}
