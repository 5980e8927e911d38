"""`suite run linbp.positions` as a researcher types it: the sweep is the attack, tables agree, faults are one line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result
from safetensors.torch import load_file, save_file

from suite.data import load

pytestmark = pytest.mark.usefixtures("undrawn")

Finish = Callable[..., Any]
STUDY = "linbp.positions"
# 8-bit rounding moves nothing: eps and steps are multiples of 1/255, and digits of the data's 256 levels.
SMALL = "--limit 40 --watched 10 --steps 2,6 --eps 48/255 --step-size 12/255 --split test --victims digits-cnn"


@pytest.fixture
def swept(finished_study: Finish, warm_cache: Path) -> Any:
    """One sweep that many tests look at."""
    return finished_study(STUDY, SMALL, "--runs", str(warm_cache.parent / "swept"))


@pytest.mark.drawn
def test_the_default_shows_the_best_start_and_draws(study: Callable[..., Result]) -> None:
    result = study(STUDY)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("Best start of linbp in digits-cnn / digits, ")
    assert "train samples" in result.stdout and "headline: best start for success, K 1 = " in result.stdout
    pictures = [line.split()[1] for line in result.stdout.splitlines() if line.startswith("figure: ")]
    assert [Path(file).name for file in pictures] == ["by_position.png", "along_path.png"]
    assert all(Path(file).stat().st_size > 5_000 for file in pictures)


def test_every_start_is_the_attack_from_there_to_the_sample(swept: Any, finished: Finish) -> None:
    """Same samples, same steps: what is fooled by step k is what `linbp.attack` fools by step k."""
    rules = {"none": "bp", "0": "linbp(start=all)", "1": "linbp(start=relu2)", "2": "linbp(start=-1)"}
    attack = finished(
        "--limit 40 --examples 0 --steps 2,6 --eps 48/255 --step-size 12/255 --gradients", ",".join(rules.values())
    )
    samples = {(row["gradient"], row["id"]): row["fooled"] for row in attack.rows("samples")}
    rows = swept.rows("samples")
    assert len(rows) == len(samples)
    for row in rows:
        assert row["fooled"] == samples[rules[row["start"]], row["id"]]
    assert len({tuple(row["fooled"]) for row in rows}) > 3
    rates = {(row["steps"], row["gradient"]): (row["value"], row["p_value"]) for row in attack.rows("success")}
    for row in swept.rows("success"):
        assert (row["value"], row["p_value"]) == rates[row["steps"], rules[row["start"]]]


def test_starts_are_named_and_the_zoos_is_noted(swept: Any) -> None:
    names = [(row["start"], row["path"]) for row in swept.rows("starts")]
    assert names == [("0", "relu1"), ("1", "relu2"), ("2", "relu3")]
    assert swept.manifest["facts"]["default_start"] == 2


def test_samples_are_of_the_split_that_was_asked_for(swept: Any, finished_study: Finish) -> None:
    """The training split unless told otherwise."""
    digits = load("digits")
    train = finished_study(STUDY, "--limit 30 --watched 4 --steps 1 --positions -1")
    for run, split in ((swept, digits.test), (train, digits.train)):
        rows = run.rows("samples")
        assert [row["label"] for row in rows] == [int(split.labels[row["id"]]) for row in rows]


def test_bp_has_the_true_gradient_and_all_start_from_the_same_loss(swept: Any) -> None:
    watched = [row for row in swept.rows("samples") if row["cosine"]]
    assert len(watched) == 10 * 4 and {len(row["cosine"]) for row in watched} == {6}
    for row in watched:
        if row["start"] == "none":
            ones = pytest.approx([1] * 6, abs=1e-5)  # float32 gradients of batches of different sizes
            assert row["cosine"] == ones and row["norm_ratio"] == ones
    assert any(row["start"] != "none" and row["cosine"][0] < 0.99 for row in watched)
    assert {len(row["loss"]) for row in swept.rows("samples")} == {7}
    for row in swept.rows("loss"):
        if row["step"] == 0:
            assert row["difference"] == pytest.approx(0, abs=1e-6)  # float32 logits, another forward pass


def test_the_model_as_its_own_victim(swept: Any) -> None:
    """Transfer to the model itself is white-box success of the last iterate."""
    samples = swept.rows("samples")
    for row in swept.rows("transfer"):
        last = [sample["transferred"] for sample in samples if sample["start"] == row["start"]]
        assert row["victim"] == "digits-cnn" and row["n"] == len(last)
        assert row["value"] == last.count([True]) / row["n"]
    for sample in samples:  # who was never fooled on the way is not fooled at its end
        assert sample["transferred"] == [False] or sample["fooled"][-1]
    assert any(sample["transferred"] == [True] for sample in samples if sample["start"] == "none")
    assert {row["measure"] for row in swept.rows("best")} == {"success, K 2", "success, K 6", "transfer to digits-cnn"}


def test_batches_and_resume_change_nothing(finished_study: Finish) -> None:
    typed = "--limit 30 --watched 6 --steps 3 --eps 0.2 --step-size 0.05"
    one = finished_study(STUDY, typed)
    tables = {name: one.rows(name) for name in ("success", "best")}
    sorted((one.path / "parts").iterdir())[1].unlink()
    manifest = one.path / "run.json"
    manifest.write_text(manifest.read_text().replace('"status": "finished"', '"status": "interrupted"'))
    again = finished_study(STUDY, typed, "--batch-size 7")
    assert again.path == one.path and {name: again.rows(name) for name in tables} == tables


def test_another_rule(swept: Any, finished_study: Finish) -> None:
    leaky = finished_study(STUDY, SMALL, "--gradient leaky(slope=1)")
    assert leaky.path.name != swept.path.name
    one, other = ([row["fooled"] for row in run.rows("samples")] for run in (leaky, swept))
    assert np.mean([a == b for a, b in zip(one, other, strict=True)]) > 0.97  # the same derivative, but for rounding
    for claim in leaky.rows("claims"):  # what the papers say is of LinBP
        assert (claim["verdict"], claim["note"]) == ("cannot be told", "not the paper's conditions: the rule is leaky")


@pytest.mark.parametrize(("typed", "starts"), {"--stride 2": ["0", "2"], "--positions -1,0,2": ["0", "2"]}.items())
def test_thinned_out(finished_study: Finish, typed: str, starts: list[str]) -> None:
    run = finished_study(STUDY, "--limit 20 --watched 2 --steps 1", typed)
    assert [row["start"] for row in run.rows("starts")] == starts


@pytest.mark.parametrize(
    ("typed", "line"),
    {
        "--positions 3": "--positions 3 is out of range: the model calls 3 rectifiers (0 to 2, or -3 to -1)",
        "--positions -4": "--positions -4 is out of range",
        "--positions x": "--positions: 'x' is not valid",
        "--positions 1 --stride 2": "--positions and --stride both choose the starts: give one of them",
        "--stride 0": "--stride: '0' is not valid (input should be greater than 0)",
        "--watched 1": "--watched: '1' is not valid",
        "--split valid": "--split: 'valid' is not valid (input should be 'train' or 'test')",
        "--victims ,": "--victims: the list is empty",
        "--victims digits-cnn,digits-cnn": "--victims: a value is given twice",
        "--victims mlp": "mlp is not trained on digits",
        "--gradient bp": "bp has no start of its own",
        "--gradient linbp+sgm(lam=0.5)": "a sum of rules has no start of its own",
        "--gradient linbp(start=1)": "--gradient linbp(start=1): its start is what is swept; leave it out",
        "--gradient linbp(variant=guo)": "variant=guo: ",
        "--limit 1": "digits-cnn classifies 1 of 1 clean samples correctly",
        "--model two-layer": "two-layer is not trained on digits",
    }.items(),
)
def test_typed_wrongly(study: Callable[..., Result], workplace: Path, typed: str, line: str) -> None:
    result = study(STUDY, typed)
    assert (result.exit_code, result.stdout) == (2, ""), result.stderr
    (said,) = result.stderr.splitlines()
    assert said.startswith(f"error: {line}")
    assert not list((workplace / "runs").rglob("*"))


def test_a_model_without_rectifiers(study: Callable[..., Result], workplace: Path, monkeypatch: Any) -> None:
    (workplace / "tanh_net.py").write_text(
        "import torch\n"
        "def net():\n"
        "    torch.manual_seed(0)\n"
        "    layers = torch.nn.Flatten(), torch.nn.Linear(64, 64), torch.nn.Tanh(), torch.nn.Linear(64, 10)\n"
        "    return torch.nn.Sequential(*layers)\n"
    )
    monkeypatch.syspath_prepend(str(workplace))
    result = study(STUDY, "--model import:tanh_net:net")
    assert result.exit_code == 2 and "error: the model calls no rectifier (" in result.stderr


def test_a_victim_with_other_classes(study: Callable[..., Result], digits_cnn: Path, workplace: Path) -> None:
    trained = load_file(digits_cnn)
    state = {name: value[:7].clone() if value.shape[0] == 10 else value for name, value in trained.items()}
    save_file(state, workplace / "seven.safetensors")
    result = study(STUDY, "--victims digits-cnn@seven.safetensors")
    assert result.exit_code == 2 and result.stderr.startswith("error: ") and len(result.stderr.splitlines()) == 1
    assert not list((workplace / "runs").rglob("*"))
