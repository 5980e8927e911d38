"""What is computed of a ball: counts of its extrema, pictures, and draws that depend on the seed alone."""

from pathlib import Path
from typing import Any

import pytest
import torch

from modules.pgd_dynamics.landscape.balls import GRID, Ball
from modules.pgd_dynamics.landscape.config import LandscapeConfig
from modules.pgd_dynamics.losses import load_loss
from modules.pgd_dynamics.plane import extrema
from modules.pgd_dynamics.two_layer import softplus


def ball(scale: float, ratio: float, **options: Any) -> Ball:
    config = LandscapeConfig(**options)
    return Ball(config, load_loss(config.loss), torch.device("cpu"), scale, ratio, softplus(config.beta))


def test_counts_are_of_the_extrema_and_the_threshold_keeps_its_word() -> None:
    for eps in (0.3, 1.0, 8.0):
        one = ball(1.0, eps, m=300)
        columns = one.minima(range(12))
        assert sum(columns["minima"]) == int(extrema(one.objective(range(12)), eps).is_minimum.sum())
        assert all(inner <= minima for inner, minima in zip(columns["on_ball"], columns["minima"], strict=True))
        rows = list(zip(columns["eps_over_tau"], columns["one_sign"], columns["minima"], strict=True))
        assert all(minima == 1 for over, one_sign, minima in rows if over < 1 and one_sign)
        assert any(over < 1 for over, _, _ in rows) == (eps < 2)


def test_the_picture_is_the_loss_and_marks_name_its_extrema() -> None:
    one = ball(1.0, 2.0, m=50, seed=3)
    picture, middle = one.picture(), GRID**2 // 2
    assert abs(picture["u1"][middle]) + abs(picture["u2"][middle]) < 1e-15
    objective = one.objective(range(1))
    f = objective.net.value(objective.x)
    assert abs(picture["loss"][middle] - float((1 - f) ** 2)) < 1e-12
    marks = one.marks()
    losses = dict(zip(marks["loss"], marks["kind"], strict=True))
    assert losses[max(losses)] == "maximum"
    assert losses[min(losses)] == "minimum"


def test_columns_depend_on_the_seed_alone() -> None:
    def columns(**options: Any) -> Any:
        return ball(10.0, 1.0, m=30, **options).minima(range(4))["eps_over_tau"]

    assert columns() == columns(networks=9, escapes=1)
    assert columns() != columns(seed=1)


def test_a_users_loss_equals_the_same_loss_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "loss_in_the_plane.py").write_text("def half(f, y):\n    return (f - y) ** 2 / 2\n")
    monkeypatch.chdir(tmp_path)
    names = ("quadratic", "import:loss_in_the_plane:half")
    known, own = (ball(1.0, 10.0, m=30, loss=name).minima(range(4))["minima"] for name in names)
    assert known == own
