"""Counts, claims and fitted thresholds on made-up rows whose answers are known."""

import numpy as np
import pytest

from modules.pgd_dynamics import landscape_figures, landscape_tables, single_minimum_tables
from modules.pgd_dynamics.landscape import LandscapeConfig
from modules.pgd_dynamics.published import INDEPENDENT_MINIMA


def minima_rows(counts: dict[tuple[float, float], list[int]]) -> dict[str, list[object]]:
    rows = [(cell, network, n) for cell, numbers in counts.items() for network, n in enumerate(numbers)]
    return {
        "scale": [cell[0] for cell, _, _ in rows], "ratio": [cell[1] for cell, _, _ in rows],
        "eps": [cell[0] * cell[1] for cell, _, _ in rows], "network": [network for _, network, _ in rows],
        "minima": [n for _, _, n in rows], "on_ball": [n for _, _, n in rows], "undecided": [0] * len(rows),
        "eps_over_tau": [0.5 if n == 1 else 2.0 for _, _, n in rows], "one_sign": [True] * len(rows),
    }  # fmt: skip


def escape_rows(steps: dict[tuple[float, float], list[int | None]]) -> dict[str, list[object]]:
    rows = [(cell, network, n) for cell, numbers in steps.items() for network, n in enumerate(numbers)]
    return {
        "scale": [cell[0] for cell, _, _ in rows], "ratio": [cell[1] for cell, _, _ in rows],
        "pace": ["raw"] * len(rows), "network": [network for _, network, _ in rows],
        "steps_90": [n for _, _, n in rows], "attained": [1.0] * len(rows), "to_minimum": [0.0] * len(rows),
        "at_minimum": [True] * len(rows),
    }  # fmt: skip


MANY = [9, 12, 15, 9, 12, 15, 9, 15]
COUNTS = {(0.01, 1.0): [1] * 8, (0.01, 10.0): [1] * 8, (100.0, 1.0): [1] * 8, (100.0, 10.0): MANY}
STEPS = {(0.01, 1.0): [4] * 8, (0.01, 10.0): [9] * 8, (100.0, 1.0): [40] * 8, (100.0, 10.0): [None] * 8}


def test_counts_have_means_shares_and_the_guaranteed() -> None:
    row = list(landscape_tables.counts(minima_rows(COUNTS)))[-1]
    assert row["minima"] == 12
    assert row["most"] == 15
    assert row["single"] == row["guaranteed"] == 0
    assert row["low"] < 12 < row["high"]


def test_one_network_has_counts_but_no_interval() -> None:
    rows = list(landscape_tables.counts(minima_rows({cell: numbers[:1] for cell, numbers in COUNTS.items()})))
    assert rows[-1]["minima"] == 9
    assert np.isnan(rows[-1]["low"])
    stored = [{name: None if value != value else value for name, value in row.items()} for row in rows]
    axes = landscape_figures.counts(stored).axes
    assert max(line.get_ydata()[-1] for line in axes[0].lines if line.get_label() == "scale 100") == 9


def test_claims_are_read_off_the_numbers() -> None:
    verdicts = [row["verdict"] for row in landscape_tables.claims(minima_rows(COUNTS), escape_rows(STEPS))]
    assert verdicts == ["reproduced"] * 7
    turned = {(scale, ratio): COUNTS[1 / scale if scale < 1 else 0.01, ratio] for scale, ratio in COUNTS}
    rows = {row["claim"]: row for row in landscape_tables.claims(minima_rows(turned), escape_rows(STEPS))}
    assert rows["one minimum at scale 0.01 for every ratio up to 10"]["verdict"] == "differs for 8"
    assert rows["more minima at scale 100 than at 0.01, ratio 10"]["verdict"] == "differs"
    assert rows["more minima at ratio 10 than at 1, scale 100"]["verdict"] == "cannot be told"


def test_never_settled_counts_as_infinitely_late() -> None:
    rows = list(landscape_tables.escape(escape_rows({(1.0, 1.0): [3, None, 5, None, None]})))
    assert rows[0]["lower_quartile"] == 5
    assert rows[0]["steps_90"] == float("inf")
    assert rows[0]["settled"] == 0.4


def test_the_independent_simulation_is_compared_where_the_setting_is_its() -> None:
    same = {cell: [round(100 * INDEPENDENT_MINIMA[cell])] * 20 for cell in ((1.0, 10.0),)}
    far = minima_rows(same)  # a hundred times as many
    assert next(landscape_tables.beside(far, LandscapeConfig()))["verdict"] == "differs"
    near = minima_rows({(1.0, 10.0): [2, 3, 3, 3, 3] * 4})  # mean 2.8
    assert next(landscape_tables.beside(near, LandscapeConfig()))["z"] == 0
    assert list(landscape_tables.beside(near, LandscapeConfig(m=999))) == []
    # Independently one network in 40 had a second minimum, of ours none: p = 40 / 140 under equal rates.
    rare = minima_rows({(10.0, 0.01): [1] * 100})
    assert next(landscape_tables.beside(rare, LandscapeConfig()))["verdict"] == "agrees within sampling error"
    often = minima_rows({(10.0, 0.01): [1, 2] * 50})
    assert next(landscape_tables.beside(often, LandscapeConfig()))["verdict"] == "differs"


def single_rows(eps50: dict[tuple[int, int], float], steepness: float, networks: int) -> dict[str, list[object]]:
    """Networks whose own thresholds are the quantiles of the logistic law: their share is the law's to 1 / networks."""
    columns: dict[str, list[object]] = {name: [] for name in ("loss", "d", "m", "radius", "eps", "found", "exact")}
    quantile = (np.arange(networks) + 0.5) / networks
    for (d, m), half_way in eps50.items():
        own = half_way * (quantile / (1 - quantile)) ** (1 / steepness)
        for eps in half_way * np.geomspace(0.1, 10, 9):
            for threshold in own:
                row = ("logistic", d, m, eps, eps, 1 if eps < threshold else 3, None)
                for name, value in zip(columns, row, strict=True):
                    columns[name].append(value)
    columns["eps_over_tau"] = [0.5 if n == 1 else 2.0 for n in columns["found"]]
    columns["one_sign"] = [True] * len(columns["d"])
    return columns


def test_fits_recover_thresholds_and_powers() -> None:
    law = {(d, m): 1.7 * d**0.5 * m**0.1 for d in (3, 9, 27) for m in (10, 1000)}
    rows = single_rows(law, 4.0, 200)
    for row in single_minimum_tables.thresholds(rows, 40, 0):
        assert row["eps50"] == pytest.approx(law[row["d"], row["m"]], rel=0.01)
        assert row["steepness"] == pytest.approx(4.0, rel=0.05)
        assert row["low"] < row["eps50"] < row["high"]
    powers = {row["variable"]: row for row in single_minimum_tables.curve(rows, 40, 0)}
    assert powers["d"]["power"] == pytest.approx(0.5, abs=0.01)
    assert powers["m"]["power"] == pytest.approx(0.1, abs=0.01)
    assert powers["constant"]["power"] == pytest.approx(1.7, rel=0.03)
    assert powers["d"]["verdict"] == "as predicted"
    assert powers["m"]["verdict"] == "differs"


def test_a_share_that_never_falls_has_no_threshold() -> None:
    rows = single_rows({(3, 10): 1.0}, 4.0, 20)
    rows["found"] = [1] * len(rows["found"])
    row = next(single_minimum_tables.thresholds(rows, 20, 0))
    assert row["eps50"] is row["low"] is None


def test_theorem_5_1_is_checked_where_it_speaks() -> None:
    rows = single_rows({(3, 10): 1.0}, 4.0, 20)
    assert next(single_minimum_tables.claims(rows))["verdict"] == "holds"
    rows["eps_over_tau"] = [0.5] * len(rows["d"])
    assert next(single_minimum_tables.claims(rows))["verdict"].startswith("fails for")
