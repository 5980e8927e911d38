"""What Deng et al. say of the dynamics, as tests on numbers: claim, measured value, interval, verdict."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modules.pgd_dynamics.rates import gaps_as_nan
from modules.pgd_dynamics.watch import NEVER
from suite.stats import wilson

Columns = Mapping[str, Any]
Rows = Sequence[Mapping[str, Any]]
Mask = NDArray[np.bool_]

WIDEST = 0.5  # of an exponent's interval: a wider one decides nothing


def claims(trajectories: Columns, networks: Columns, rates: Rows, gradient: str = "bp") -> Iterator[dict[str, Any]]:
    """Theorem 3.1, Lemmas 4.1 to 4.5 and Corollary 3.1, a row for each claim.

    Args:
        trajectories: columns of `trajectories.constant`.
        networks: columns of `trajectories.networks`.
        rates: the fitted exponents.
        gradient: the field that was followed; what the paper says of steps and rates is said of BP's alone.
    """
    t = {name: gaps_as_nan(values) for name, values in trajectories.items()}
    finite, arrived = t["finite"], t["near"] != NEVER
    yield _share("the loss stays finite", "Sec. 2", finite)
    yield _share("the output is on the sphere with |Gamma| < sqrt(eta)", "Theorem 3.1", arrived[finite])
    yield _share("beside the output is a strict local minimum of L", "Theorem 3.1", t["minimum"][arrived])
    if gradient != "bp":
        return
    yield from _bounds(rates)
    within = t["distance"] * t["curvature"] <= 1.05 * np.sqrt(t["eta"])
    yield _share("distance of the output <= 1.05 sqrt(eta) / kappa", "derived here", within[arrived & t["minimum"]])
    yield _share("no floor at sqrt(eta): constant eta goes on towards it", "beyond Theorem 3.1",
                 t["end_distance"][arrived] < 0.5 * t["distance"][arrived])  # fmt: skip
    settled = t["settled"] > t["near"]
    predicted = (t["contraction"] >= t["fast"] - 0.01) & (t["contraction"] <= t["slow"] + 0.01)
    yield _share("contraction per step is 1 - eta' kappa", "derived here", predicted[settled & t["minimum"]])
    yield from _lemmas(t, arrived)
    yield from _lemma_4_5(t, networks)


def _bounds(rates: Rows) -> Iterator[dict[str, Any]]:
    """A bound O(eta^p) holds where the fitted exponent is not below p, and is loose where it lies above.

    For D_s the variable grows, and it is the other way round; the proof needs D_{s+1} <= (1 - beta eta_s / 2) D_s, and
    since a step leaves (1 - kappa eta_s)^2 of D_s, beta <= 4 kappa. The exponent of the distance is held against what
    the bound's own stop gives in the range of eta that was run (`rates.over_eta`).
    """
    for row in rates:
        if row["bound"] is None:
            continue
        grows = row["quantity"].startswith("D_s")
        sign = -1 if grows else 1
        low, high = (np.nan if row[end] is None else row[end] for end in ("low", "high"))
        bound = row["bound"] if grows or row["expected"] is None else min(row["bound"], row["expected"])
        worst, best = sorted((sign * (low - bound), sign * (high - bound)))
        verdict = "reproduced; the bound is loose" if worst > 0 else "reproduced" if best >= 0 else "differs"
        if not best - worst <= WIDEST:  # also without an interval
            verdict = "cannot be told"
        elif bound != row["bound"] and best >= 0 and high < row["bound"]:
            verdict += f": excludes {row['bound']:g}, agrees with {bound:.3f} of this range of eta"
        elif grows and row["beta"] > 4:
            verdict = "outside the corollary: beta > 4 kappa"
        name, variable = row["quantity"].split(", ")[0], "s + z" if grows else "eta"
        if grows:
            name = row["quantity"].replace("in s + z, ", "")
        source = "Cor. 3.1, Remark 3" if grows else "Theorem 3.1"
        yield {
            "claim": f"{name} <= O(({variable})^{row['bound']:g})", "source": source, "value": row["exponent"],
            "low": row["low"], "high": row["high"], "n": row["n"], "verdict": verdict,
        }  # fmt: skip


def _lemmas(t: Columns, arrived: Mask) -> Iterator[dict[str, Any]]:
    """Lemmas 4.1, 4.2 and 4.4: extremes over all steps, or points."""
    inside = np.isfinite(t["interior_decrease"])
    yield _extreme(
        "an interior step lowers L by at least c eta, c", "Lemma 4.1", t["interior_decrease"][inside].min, 0, inside
    )
    moved = np.isfinite(t["sphere_decrease"])
    yield _extreme(
        "a step on the sphere lowers L by at least c eta^2, c", "Sec. 4", t["sphere_decrease"][moved].min, 0, moved
    )
    yield _extreme(
        "outward step is tangential up to c |eta dL|^2 / eps, c <= 4", "Lemma 4.2", t["tangent_error"].max, -4, moved
    )
    yield _share("no step on the sphere points inwards, where Lemma 4.2 is false", "Lemma 4.2", t["inward"] == 0)
    yield _share("Xi is definite at the minimum, normal direction included", "Lemma 4.4", t["definite"][arrived])


def _lemma_4_5(t: Columns, networks: Columns) -> Iterator[dict[str, Any]]:
    """Where Eq. 6 holds the lemma promises; where it fails we say what happens all the same."""
    eq_6 = {
        (network, factor): holds
        for network, factor, holds in zip(networks["network"], networks["eta_factor"], networks["eq_6"], strict=True)
    }
    assumed = np.array([eq_6[key] for key in zip(t["network"], t["eta_factor"], strict=True)], dtype=bool)
    yield _share("Eq. 6 holds (network, eta)", "Lemma 4.5", np.asarray(networks["eq_6"], dtype=bool))
    for where, mask in (("Eq. 6 holds", assumed), ("Eq. 6 fails", ~assumed)):
        yield _share(f"never near a maximum, where {where}", "Lemma 4.5", t["near_maximum"][mask] == 0)
        yield _share(f"never leaves a minimum's set, where {where}", "Lemma 4.5", t["left_minimum"][mask] == 0)


def _share(claim: str, source: str, true: Mask) -> dict[str, Any]:
    """A claim on every trajectory; reproduced in all, or differing in the share that is given."""
    if not len(true):
        return {
            "claim": claim,
            "source": source,
            "value": None,
            "low": None,
            "high": None,
            "n": 0,
            "verdict": "cannot be told",
        }
    interval = wilson(int(true.sum()), len(true))
    verdict = "reproduced" if interval.rate == 1 else f"differs in {len(true) - int(true.sum())}"
    return {
        "claim": claim, "source": source, "value": interval.rate, "low": interval.low, "high": interval.high,
        "n": interval.n, "verdict": verdict,
    }  # fmt: skip


def _extreme(claim: str, source: str, extreme: Any, against: float, among: Mask) -> dict[str, Any]:
    """An extreme over all trajectories: larger than `against`, or where that is negative, at most its modulus."""
    if not among.any():
        return {
            "claim": claim,
            "source": source,
            "value": None,
            "low": None,
            "high": None,
            "n": 0,
            "verdict": "cannot be told",
        }
    value = float(extreme())
    fine = value <= -against if against < 0 else value > against
    return {
        "claim": claim, "source": source, "value": value, "low": None, "high": None, "n": int(among.sum()),
        "verdict": "reproduced" if fine else "differs",
    }  # fmt: skip
