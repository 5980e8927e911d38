"""Claims and fitted thresholds on made-up rows whose answers are known."""

import numpy as np
import pytest

from modules.pgd_dynamics import single_minimum_tables


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
