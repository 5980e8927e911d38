"""Tables of `linbp.transfer` from rows whose transfer is known."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest
from scipy.stats import t as student

from modules.linbp.transfer_tables import black_box_means, fooled_cells, largest_excess, matrix, short_names, success
from suite.stats import holm

MODELS = ["a", "b", "c"]
N = 40


def columns(rates: dict[tuple[str, str, float], tuple[int, int, int]]) -> dict[str, list[Any]]:
    """Samples of surrogate a: (gradient, method, eps) -> how many of 40 each model is fooled by, the first ones."""
    found: dict[str, list[Any]] = {}
    for (gradient, method, eps), counts in rates.items():
        for sample in range(N):
            row = {
                "id": 3 * sample, "label": 1, "target": -1, "surrogate": "a", "gradient": gradient, "method": method,
                "eps": eps, "fooled_by": "".join("01"[sample < count] for count in counts), "predictions": "1 1 1",
                "perturbation": eps + 0.2 / 255,
            }  # fmt: skip
            for name, value in row.items():
                found.setdefault(name, []).append(value)
    return found


SAMPLES = columns({
    ("bp", "ifgsm", 0.1): (40, 10, 4), ("bp", "ifgsm", 0.2): (40, 30, 20),
    ("bp", "pgd", 0.1): (40, 10, 4), ("bp", "pgd", 0.2): (40, 30, 20),
    ("linbp", "ifgsm", 0.1): (38, 22, 4), ("linbp", "ifgsm", 0.2): (40, 30, 9),
    ("linbp", "pgd", 0.1): (40, 13, 4), ("linbp", "pgd", 0.2): (40, 30, 20),
})  # fmt: skip


def test_cells_come_by_method_then_eps_then_rule() -> None:
    cells = fooled_cells(SAMPLES)
    order = [(method, eps, rule) for method in ("ifgsm", "pgd") for eps in (0.1, 0.2) for rule in ("bp", "linbp")]
    assert [(cell.method, cell.eps, cell.gradient) for cell in cells] == order
    for fooled in cells.values():
        assert fooled.shape == (N, 3)
    assert cells[next(iter(cells))].sum(0).tolist() == [40, 10, 4]


def test_every_cell_with_its_interval_and_its_test() -> None:
    rows = {
        (row["method"], row["eps"], row["gradient"], row["victim"]): row for row in success(SAMPLES, MODELS)
    }  # fmt: skip
    assert len(rows) == 2 * 2 * 2 * 3
    for (_, _, gradient, victim), row in rows.items():
        interval = binomtest(round(row["rate"] * N), N).proportion_ci(0.95, method="wilson")
        assert (row["low"], row["high"], row["n"]) == pytest.approx((interval.low, interval.high, N))
        assert row["white_box"] == (victim == "a")
        assert (row["p_value"] is None) == (gradient == "bp")
    better = rows["ifgsm", 0.1, "linbp", "b"]
    assert (better["rate"], better["only_this"], better["only_first_rule"]) == (22 / 40, 12, 0)
    assert better["p_value"] == pytest.approx(2 * 0.5**12)
    assert rows["ifgsm", 0.1, "linbp", "a"]["only_first_rule"] == 2
    assert rows["ifgsm", 0.1, "linbp", "c"]["p_value"] == 1


def test_the_matrix_judges_a_rule_by_its_black_boxes_and_for_all_tests_at_once() -> None:
    rows = {(row["method"], row["eps"], row["gradient"]): row for row in matrix(SAMPLES, MODELS)}
    first = rows["ifgsm", 0.1, "bp"]
    assert (first["a"], first["b"], first["c"]) == (1, 0.25, 0.1)
    assert first["black_box"] == pytest.approx(0.175)
    assert first["p_value"] is None and first["verdict"] == ""
    linbp = [row for key, row in rows.items() if key[2] == "linbp"]
    assert [(row["more"], row["fewer"]) for row in linbp] == [(12, 0), (0, 11), (3, 0), (0, 0)]
    p_values = [2 * 0.5**12, 2 * 0.5**11, 0.25, 1.0]
    assert [row["p_value"] for row in linbp] == pytest.approx(p_values)
    assert all(p < 0.05 for p in holm(p_values)[:2])
    assert [row["verdict"] for row in linbp] == ["ahead", "behind", "cannot be told", "cannot be told"]
    assert (first["difference"], first["low"], first["high"], first["n"]) == (None, None, None, N)
    assert [row["difference"] for row in linbp] == pytest.approx([12 / 80, -11 / 80, 3 / 80, 0])
    half = student.ppf(0.975, N - 1) * np.std([0.5] * 12 + [0.0] * 28, ddof=1) / N**0.5
    assert (linbp[0]["low"], linbp[0]["high"]) == pytest.approx((12 / 80 - half, 12 / 80 + half))


def test_a_verdict_allows_for_the_number_of_tests() -> None:
    """Six samples to none has p = 0.031: a claim by itself, none among five."""
    alone = columns({("bp", "ifgsm", 0.1): (40, 10, 4), ("linbp", "ifgsm", 0.1): (40, 16, 4)})
    assert matrix(alone, MODELS)[1]["verdict"] == "ahead"
    five = {("bp", "ifgsm", eps): (40, 10, 4) for eps in (0.1, 0.2, 0.3, 0.4, 0.5)}
    five |= {("linbp", "ifgsm", eps): (40, 16, 4) for eps in (0.1, 0.2, 0.3, 0.4, 0.5)}
    assert {row["verdict"] for row in matrix(columns(five), MODELS)} == {"", "cannot be told"}


def test_a_sample_counts_once_however_many_black_boxes_it_fools() -> None:
    both = columns({("bp", "ifgsm", 0.1): (40, 4, 4), ("linbp", "ifgsm", 0.1): (40, 10, 10)})
    row = matrix(both, MODELS)[1]
    assert (row["more"], row["fewer"], row["p_value"]) == (6, 0, pytest.approx(2 * 0.5**6))


def test_a_surrogate_that_meets_no_other_model() -> None:
    lonely = columns({("bp", "fgsm", 0.1): (9, 0, 0)})
    lonely["fooled_by"] = [text[0] for text in lonely["fooled_by"]]
    (row,) = matrix(lonely, ["a"])
    assert (row["a"], row["black_box"], row["verdict"]) == (9 / 40, None, "")
    assert black_box_means([row], 0.1) == {}


def test_means_over_black_boxes_and_the_excess_of_rounding() -> None:
    means = black_box_means(matrix(SAMPLES, MODELS), 0.2)
    assert means == pytest.approx({"bp": 25 / 40, "linbp": np.mean([39 / 80, 50 / 80])})
    assert largest_excess(SAMPLES) == pytest.approx(0.2)
    assert largest_excess(SAMPLES | {"perturbation": SAMPLES["eps"]}) == 0


def test_names_are_short_where_that_tells_them_apart() -> None:
    assert short_names(["resnet56@a.th", "resnet20@b.th", "vgg16"]) == {
        "resnet56@a.th": "resnet56", "resnet20@b.th": "resnet20", "vgg16": "vgg16",
    }  # fmt: skip
    assert short_names(["resnet20@a.th", "resnet20@b.th", "mlp"]) == {
        "resnet20@a.th": "resnet20@a.th", "resnet20@b.th": "resnet20@b.th", "mlp": "mlp",
    }  # fmt: skip
