"""`suite run pgd_dynamics.rules` as typed."""

from collections.abc import Callable
from typing import Any

import pytest


def test_rules_answers_for_every_landscape(finished_study: Callable[..., Any]) -> None:
    words = "--m 60 --networks 3 --starts 2 --steps 60 --dims 2 --scales 0.001,30"
    run = finished_study("pgd_dynamics.rules", words)
    answers = {(row["activation"], row["scale"]): row for row in run.rows("answers")}
    assert len(answers) == 4
    assert answers["softplus", 0.001]["gain_over_bp"] == pytest.approx(1, abs=1e-2)
    assert answers["softplus", 30]["asymmetry"] > answers["softplus", 0.001]["asymmetry"]
    assert {file.stem for file in (run.path / "results" / "figures").glob("*.png")} == {"rules"}
