"""`suite run linbp.attack --attack ...`: attacks of Foolbox by their names, and AutoAttack."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.linbp.attack.test_cli import QUICK, columns, rates

pytestmark = pytest.mark.usefixtures("undrawn")

Finish = Callable[..., Any]


@pytest.mark.parametrize("name", ["LinfPGD", "LinfDeepFoolAttack", "LinfBasicIterativeAttack(random_start=False)"])
def test_foolbox_attacks_by_name(finished: Finish, name: str) -> None:
    run = finished("--limit 30 --eps 0.05,0.2 --steps 5,20 --attack", name)
    assert set(rates(run)) == {(eps, k, g) for eps in (0.05, 0.2) for k in (5, 20) for g in ("bp", "linbp")}
    assert rates(run)[0.2, 20, "bp"] > rates(run)[0.05, 5, "bp"]
    assert all(norm <= eps + 1e-6 for norm, eps in columns(run, "perturbation", "eps"))
    assert run.manifest["facts"]["engines"]["linbp"] == {"engine": "foolbox"}


@pytest.mark.parametrize(("name", "eps"), [("FGSM", 0.3), ("L2CarliniWagnerAttack(steps=10,binary_search_steps=2)", 4)])
def test_foolbox_attacks_without_a_number_of_steps(finished: Finish, name: str, eps: float) -> None:
    run = finished(f"--limit 20 --eps {eps} --attack", name)
    assert set(rates(run)) == {(eps, None, "bp"), (eps, None, "linbp")}
    assert rates(run)[eps, None, "bp"] > 0.1


@pytest.mark.parametrize("norm", ["--eps 0.05,0.12", "--norm l2 --eps 0.3,0.8", "--norm l1 --eps 0.8,2.5 --limit 12"])
def test_autoattack_by_its_members(finished: Finish, norm: str) -> None:
    run = finished(QUICK, norm, "--attack autoattack(steps=4,queries=30,targets=2)")
    members = ["APGD-CE", "APGD-T", "FAB-T", "Square"]
    attacked, shares = run.manifest["facts"]["attacked"], rates(run)
    assert run.manifest["facts"]["engines"]["linbp"]["no gradient leads"] == "Square"
    assert {steps for _, steps, _ in shares} == {None} and len(shares) == 4
    for row in run.rows("samples"):
        assert row["fooled"] == [row["fooled_by"] is not None] == [row["prediction"] != row["label"]]
        assert row["perturbation"] <= row["eps"] * (1 + 1e-4)
    for eps, _, gradient in shares:
        mine = [row for row in run.rows("samples") if (row["eps"], row["gradient"]) == (eps, gradient)]
        table = [row for row in run.rows("members") if (row["eps"], row["gradient"]) == (eps, gradient)]
        assert [row["member"] for row in table] == members and {row["n"] for row in table} == {attacked}
        counts = [sum(row["fooled_by"] == member for row in mine) for member in members]
        assert [row["value"] * attacked for row in table] == pytest.approx(np.cumsum(counts).tolist())
        assert table[-1]["value"] == shares[eps, None, gradient]
    small, large = sorted({eps for eps, *_ in shares})
    assert shares[large, None, "bp"] > shares[small, None, "bp"]


def test_our_attack_is_foolboxs(finished: Finish) -> None:
    """Without early stopping, ours and Foolbox's basic iterative attack take the same steps."""
    ours = finished(QUICK, "--no-early-stop")
    theirs = finished(QUICK, "--attack LinfBasicIterativeAttack(random_start=False)")
    assert rates(ours) == rates(theirs)


def test_the_step_in_brackets_is_not_overruled(finished: Finish) -> None:
    """Foolbox's relative step size is typed: the study's absolute one must not silently take its place."""
    run = finished("--limit 20 --examples 0 --eps 0.3 --steps 1 --attack",
                   "LinfBasicIterativeAttack(rel_stepsize=1.0,random_start=False)")  # fmt: skip
    # One step of length eps: every perturbation that no pixel bound cuts has the norm eps.
    assert max(norm for (norm,) in columns(run, "perturbation")) == pytest.approx(0.3, abs=1e-6)


def test_foolbox_attacks_do_not_depend_on_the_batch_size(finished: Finish) -> None:
    one = finished(QUICK, "--attack LinfPGD --batch-size 64").table_bytes()
    assert finished(QUICK, "--attack LinfPGD --batch-size 7 --fresh").table_bytes() == one


def test_the_perturbation_is_in_the_norm_of_the_attack(finished: Finish) -> None:
    run = finished("--limit 20 --examples 0 --eps 1 --steps 20 --attack L2PGD(rel_stepsize=0.1)")
    # 20 steps of a tenth of the radius reach it; a sup norm would be far below 1.
    assert max(norm for (norm,) in columns(run, "perturbation")) == pytest.approx(1, abs=1e-3)
