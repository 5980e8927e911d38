"""Tables of `linbp.attack` from rows made by hand, with answers worked out by hand."""

from typing import Any

import numpy as np
import pytest

from modules.linbp.attack_tables import by_step, fooled_cells, published, step_text, success
from modules.linbp.published import TABLE_1
from suite.stats import wilson

# Three samples, steps 0, 1, 2. By rule and strength, who is fooled at which step.
TEXTS = {
    ("bp", 0.1): ["000", "001", "011"],
    ("bp", 0.2): ["001", "001", "011"],
    ("linbp", 0.1): ["011", "000", "011"],
    ("linbp", 0.2): ["011", "011", "011"],
}


def columns(order: list[tuple[str, float]] | None = None) -> dict[str, list[Any]]:
    """Rows as the study writes them: rule by rule, in each strength by strength, in each sample by sample."""
    table: dict[str, list[Any]] = {"id": [], "gradient": [], "eps": [], "fooled_by_step": []}
    for gradient, eps in order or list(TEXTS):
        for identity, text in enumerate(TEXTS[gradient, eps]):
            for name, value in zip(table, (identity, gradient, eps, text), strict=True):
                table[name].append(value)
    return table


def row(rows: list[dict[str, Any]], **wanted: Any) -> dict[str, Any]:
    (found,) = [row for row in rows if all(row[name] == value for name, value in wanted.items())]
    return found


def test_step_text_and_back() -> None:
    fooled = np.array([[False, True, True], [False, False, False], [True, True, True]])
    assert step_text(fooled) == ["011", "000", "111"]
    cells = fooled_cells({"gradient": ["bp"] * 3, "eps": [0.1] * 3, "fooled_by_step": step_text(fooled)})
    assert list(cells) == [("bp", 0.1)] and np.array_equal(cells["bp", 0.1], fooled)
    assert step_text(fooled[:, :1]) == ["0", "0", "1"]  # Foolbox: a single reading


def test_cells_do_not_depend_on_how_rows_are_interleaved() -> None:
    """Parts of a run alternate strengths; the samples' order within a cell is what pairs them."""
    one, other = columns(), columns([("linbp", 0.2), ("bp", 0.2), ("linbp", 0.1), ("bp", 0.1)])
    for key, fooled in fooled_cells(one).items():
        assert np.array_equal(fooled_cells(other)[key], fooled)


def test_success_counts_at_each_number_of_steps() -> None:
    rows = list(success(columns(), {1: 1, 2: 2}))
    assert len(rows) == 2 * 2 * 2
    expected = {
        ("bp", 0.1, 1): 1, ("bp", 0.1, 2): 2, ("bp", 0.2, 1): 1, ("bp", 0.2, 2): 3,
        ("linbp", 0.1, 1): 2, ("linbp", 0.1, 2): 2, ("linbp", 0.2, 1): 3, ("linbp", 0.2, 2): 3,
    }  # fmt: skip
    for (gradient, eps, steps), count in expected.items():
        found, interval = row(rows, gradient=gradient, eps=eps, steps=steps), wilson(count, 3)
        assert (found["rate"], found["low"], found["high"]) == (interval.rate, interval.low, interval.high)
        assert found["n"] == 3


def test_the_paired_test_counts_samples_where_the_rules_differ() -> None:
    """At eps 0.1 after 2 steps LinBP alone fools sample 0 and BP alone sample 1: equal rates, other samples."""
    rows = list(success(columns(), {1: 1, 2: 2}))
    found = row(rows, gradient="linbp", eps=0.1, steps=2)
    assert (found["only_this"], found["only_first_rule"], found["p_value"]) == (1, 1, 1.0)
    found = row(rows, gradient="linbp", eps=0.2, steps=1)
    assert (found["only_this"], found["only_first_rule"], found["p_value"]) == (2, 0, 0.5)  # 2 / 2^2
    for found in rows:
        if found["gradient"] == "bp":  # the reference is not tested against itself
            assert (found["only_this"], found["only_first_rule"], found["p_value"]) == (0, 0, None)


def test_the_reference_is_the_first_rule() -> None:
    rows = list(success(columns([("linbp", 0.1), ("bp", 0.1)]), {1: 1}))
    assert row(rows, gradient="linbp")["p_value"] is None
    assert row(rows, gradient="bp")["only_first_rule"] == 1


def test_many_samples_against_the_closed_binomial_sum() -> None:
    """8 discordant samples, all LinBP's: p = 2 / 2^8."""
    table = {
        "gradient": ["bp"] * 10 + ["linbp"] * 10,
        "eps": [0.1] * 20,
        "fooled_by_step": ["0"] * 9 + ["1"] + ["1"] * 8 + ["0", "1"],
    }
    assert row(list(success(table, {5: 0})), gradient="linbp")["p_value"] == pytest.approx(2 / 2**8)


def test_success_of_an_attack_without_steps() -> None:
    (found,) = success({"gradient": ["bp"] * 2, "eps": [0.1] * 2, "fooled_by_step": ["0", "1"]}, {None: 0})
    assert (found["steps"], found["rate"]) == (None, 0.5)


def test_by_step_gives_every_step_of_every_cell() -> None:
    rows = list(by_step(columns(), {0: 0, 1: 1, 2: 2}))
    assert len(rows) == 4 * 3
    curve = [row(rows, gradient="bp", eps=0.1, step=step)["rate"] for step in range(3)]
    assert curve == [0, 1 / 3, 2 / 3]
    assert row(rows, gradient="linbp", eps=0.2, step=0)["rate"] == 0


def measured(gradient: str, steps: int, eps: float, rate: float, n: int = 1000) -> dict[str, Any]:
    interval = wilson(round(rate * n), n)
    return {
        "gradient": gradient, "steps": steps, "eps": eps, "rate": interval.rate, "low": interval.low,
        "high": interval.high, "n": n, "p_value": None,
    }  # fmt: skip


def test_published_cells_and_verdicts() -> None:
    """Table 1, ResNet-50: BP 66.97 at K = 5, LinBP 98.67 at K = 10 and eps 0.05."""
    rows = [
        measured("bp", 5, 0.05, 0.67),
        measured("linbp", 10, 0.05, 0.9),
        measured("bp", 7, 0.05, 0.5),
        measured("bp", 5, 0.03, 0.5),
        measured("linbp(start=all)", 5, 0.05, 0.5),
    ]
    near, far = published(rows, "resnet50", "cifar10")
    assert near["published"] == 0.6697 and near["verdict"].startswith("reproduced")
    assert far["published"] == 0.9867 and far["verdict"].startswith("differs")
    for cell in published(rows, "resnet50@weights.pt", "folder:../cifar10-jpeg.zip"):
        assert cell["verdict"].startswith("cannot be told")
    assert list(published(rows, "resnet56", "cifar10")) == []


def test_table_1_as_printed() -> None:
    assert len(TABLE_1) == 2 * 4 * 2 * 2
    assert TABLE_1["linbp", "densenet161", 10, 0.05] == pytest.approx(0.9631)
    assert TABLE_1["bp", "vgg16", 10, 0.1] == pytest.approx(0.9325)
    assert TABLE_1["linbp", "mobilenetv2", 5, 0.1] == pytest.approx(0.9985)
    for (gradient, model, steps, _), rate in TABLE_1.items():
        assert TABLE_1["linbp", model, steps, 0.05] >= TABLE_1["bp", model, steps, 0.05]
        if steps == 5:  # 5 * 2 / 255 < 0.05: neither ball binds
            assert TABLE_1[gradient, model, 5, 0.05] == TABLE_1[gradient, model, 5, 0.1] == rate
