"""`start=auto`: the choice by hand, training samples only, the cache, and the command line."""

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result

from modules.linbp.attack.auto_start import Calibration, Sweep, _calibrated_once, choose, is_auto
from modules.linbp.attack.config import AttackConfig
from modules.linbp.samples import calibration_samples
from suite.data import Dataset, Split, load
from suite.errors import SuiteError

pytestmark = pytest.mark.usefixtures("undrawn")

Finish = Callable[..., Any]
AUTO = "linbp(start=auto)"
SMALL = "--limit 40 --examples 0 --eps 0.2 --steps 3,6 --step-size 0.05 --calibration 40"


def counts(**cells: list[int]) -> dict[str, np.ndarray]:
    return {"none": np.zeros(20, int)} | {name[1:]: np.array(values) for name, values in cells.items()}


def test_the_best_start_if_it_beats_bp() -> None:
    """Start 1 fools twelve samples in both cells: p = 2 / 2^12, times two starts."""
    best, rows = choose(counts(s0=[1] * 5 + [0] * 15, s1=[2] * 12 + [0] * 8), cells=2)
    assert best == "1"
    assert [(row["start"], row["success"], row["n"]) for row in rows] == [
        ("none", 0, 20),
        ("0", 0.125, 20),
        ("1", 0.6, 20),
    ]
    assert rows[0]["p_holm"] is None and rows[2]["p_holm"] == pytest.approx(2 * 2 / 2**12)


def test_none_where_no_start_beats_bp_significantly() -> None:
    """Five samples of twenty: p = 2 / 2^5 > 0.05 without any correction."""
    assert choose(counts(s0=[1] * 5 + [0] * 15), cells=1)[0] == "none"


def test_none_where_starts_differ_from_bp_by_being_worse() -> None:
    worse = {"none": np.ones(20, int), "0": np.zeros(20, int)}
    assert choose(worse, cells=1)[0] == "none"


def test_many_starts_need_more() -> None:
    """Six samples are enough for one start (2 / 2^6 = 0.03), not for two that tie."""
    six = [1] * 6 + [0] * 14
    assert choose(counts(s0=six), cells=1)[0] == "0"
    assert choose(counts(s0=six, s1=six), cells=1)[0] == "none"


def test_of_equal_starts_the_latest() -> None:
    assert choose(counts(s0=[1] * 20, s1=[1] * 20, s2=[0] * 20), cells=1)[0] == "1"


def test_calibration_samples_are_training_samples_that_the_test_split_has_not() -> None:
    digits = load("digits")
    leaked = np.arange(300)  # the first 300 training images are in this test split too
    test = Split(np.concatenate([digits.test.images, digits.train.images[leaked]]), np.zeros(840, np.int64))
    chosen = calibration_samples(replace(digits, test=test), 600, seed=0)
    images = {image.tobytes() for image in np.asarray(chosen.images)}
    assert 400 < len(chosen) < 600
    assert not images & {image.tobytes() for image in np.asarray(test.images)}
    train = {
        (image.tobytes(), int(label)) for image, label in zip(digits.train.images, digits.train.labels, strict=True)
    }
    assert {(i.tobytes(), int(y)) for i, y in zip(chosen.images, chosen.labels, strict=True)} <= train


def test_no_sample_left_to_calibrate_on() -> None:
    digits = load("digits")
    same = Dataset("same", digits.classes, digits.test, digits.test, "x")
    with pytest.raises(SuiteError, match="test split too"):
        calibration_samples(same, 50, seed=0)


def test_which_references_ask_for_it() -> None:
    assert is_auto(AUTO) and is_auto("linbp(start=auto,variant=guo)")
    assert not is_auto("linbp") and not is_auto("bp") and not is_auto("linbp(start=3)+sgm(lam=0.5)")
    with pytest.raises(SuiteError, match="sum of rules"):
        is_auto("linbp(start=auto)+sgm(lam=0.5)")


@pytest.mark.parametrize(
    ("given", "rules"),
    [
        ({"start": "auto"}, ("bp", AUTO, "linbp(start=all)")),
        ({"start": "layer3"}, ("bp", "linbp(start=layer3)", "linbp(start=all)")),
        ({"start": -1, "gradients": "linbp,bp"}, ("linbp(start=-1)", "bp")),
        ({"start": "2", "gradients": ("linbp", "linbp(start=1)")}, ("linbp(start=2)", "linbp(start=1)")),
        ({"start": "auto", "gradients": "linbp(variant=guo),bp"}, ("linbp(start=auto,variant=guo)", "bp")),
        ({"start": "1", "gradients": "linbp+sgm(lam=0.5)"}, ("linbp(start=1)+sgm(lam=0.5)",)),
    ],
)
def test_the_option_fills_in_what_the_rules_leave_open(given: dict[str, Any], rules: tuple[str, ...]) -> None:
    """And it is the same config, hence the same key, as the rules written out."""
    config = AttackConfig.model_validate(given)
    assert config.gradients == rules and config == AttackConfig(gradients=rules)
    assert AttackConfig.model_validate_json(config.model_dump_json()) == config


def test_auto_is_found_on_training_samples_alone(
    finished: Finish, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All images that the calibration reads are training images; the test split is read when the rows are made."""
    monkeypatch.setenv("SUITE_CACHE", str(_linked(workplace)))
    digits, seen = load("digits"), []

    def noted(self: Split, *args: Any, **kwargs: Any) -> Any:
        ids = args[0] if args else kwargs.get("ids")
        seen.append(np.array(self.images if ids is None else self.images[ids]))
        return pixels(self, *args, **kwargs)

    pixels = Split.pixels

    class Noted(Sweep):
        """A sweep in which every reading of pixels is noted."""

        def __init__(self, *args: Any) -> None:
            with monkeypatch.context() as patch:
                patch.setattr(Split, "pixels", noted)
                super().__init__(*args)

        def calibration(self) -> Calibration:
            with monkeypatch.context() as patch:
                patch.setattr(Split, "pixels", noted)
                return super().calibration()

    monkeypatch.setattr("modules.linbp.attack.auto_start.Sweep", Noted)
    run = finished(SMALL, "--start auto")
    trains = {image.tobytes() for image in np.asarray(digits.train.images)}
    tests = {image.tobytes() for image in np.asarray(digits.test.images)}
    read = {image.tobytes() for batch in seen for image in batch}
    assert 20 < len(read) <= 40 and read <= trains and not read & tests
    assert {row["n"] for row in run.rows("calibration")} <= set(range(20, 41))


class Counted:
    """A sweep that says how often it was made."""

    ref, made = AUTO, 0

    def calibration(self) -> Calibration:
        self.made += 1
        return Calibration("2", "relu", 20, ({"start": "2", "success": 0.5, "p_holm": None},))


def test_a_calibration_is_made_by_one_of_many_and_read_by_the_others(tmp_path: Path) -> None:
    sweep: Any = Counted()
    with ThreadPoolExecutor(4) as threads:
        found = set(map(str, threads.map(lambda _: _calibrated_once(sweep, tmp_path / "a.json"), range(8))))
    assert sweep.made == 1
    assert found == {"start=2 (relu) on 20 training samples"}


def test_a_flipped_bit_in_a_calibration_has_it_made_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    sweep: Any = Counted()
    kept = tmp_path / "a.json"
    before = _calibrated_once(sweep, kept)
    kept.write_text(kept.read_text().replace('"start": "2"', '"start": "3"', 1))
    assert _calibrated_once(sweep, kept) == before
    assert sweep.made == 2
    assert '"start": "3"' not in kept.read_text()
    assert ["is damaged: it is made again" in message for message in caplog.messages] == [True]


def _linked(workplace: Path) -> Path:
    """A cache without answers that has the data and the models of the warm one."""
    warm = Path(os.environ["SUITE_CACHE"])
    cache = workplace / "cache"
    cache.mkdir()
    for name in ("data", "models"):
        (cache / name).symlink_to(warm / name)
    return cache


def test_the_answer_is_the_attack_from_there_is_kept_and_is_told(
    finished: Finish, attack: Callable[..., Result], workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = _linked(workplace)
    monkeypatch.setenv("SUITE_CACHE", str(cache))
    typed = f"{SMALL} --start auto"
    said = attack(typed)
    assert said.exit_code == 0 and "training samples from 3 starts, once" in said.stderr
    run = finished(typed)
    (kept,) = (cache / "starts").iterdir()
    answer = json.loads(kept.read_text())
    fact = run.manifest["facts"]["starts"][AUTO]
    assert fact == run.shown["headline"][AUTO] and f"{answer['samples']} training samples" in fact
    assert [row["start"] for row in run.rows("calibration")] == ["none", "0", "1", "2"]
    # The numbers are those of the start that was found.
    chosen = finished(SMALL, f"--gradients bp,linbp(start={answer['start']})")
    same = [[row["fooled"] for row in r.rows("samples")] for r in (run, chosen)]
    assert same[0] == same[1]

    # A hit: nothing is attacked again; other samples to evaluate, another batch size and the long spelling share it.
    with monkeypatch.context() as patch:
        patch.setattr("modules.linbp.attack.auto_start.Sweep", None)
        assert finished(typed, "--fresh").shown["headline"] == run.shown["headline"]
        other = finished(SMALL.replace("--limit 40", "--limit 30"), f"--gradients bp,{AUTO} --batch-size 16")
        assert other.manifest["facts"]["starts"][AUTO] == fact
        assert other.rows("calibration") == run.rows("calibration")
    # Damage is seen, and the answer found again; another attack has an answer of its own.
    kept.write_text("{}")
    assert finished(typed, "--fresh").rows("calibration") == run.rows("calibration")
    assert json.loads(kept.read_text()) == answer
    finished(typed, "--loss stable_ce")
    assert len(list((cache / "starts").iterdir())) == 2


def test_a_start_that_helps_is_taken(finished: Finish, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the choice to the attack: made to prefer the first rectifier, the attack is linbp(start=0)."""
    monkeypatch.setenv("SUITE_CACHE", str(_linked(workplace)))
    monkeypatch.setattr("modules.linbp.attack.auto_start.choose", lambda counts, cells: ("0", choose(counts, cells)[1]))
    run = finished(SMALL, "--start auto")
    assert run.manifest["facts"]["starts"][AUTO].startswith("start=0 (relu1) on ")
    first = finished(SMALL, "--gradients bp,linbp(start=0)")
    auto, given = ([row["fooled"] for row in r.rows("samples")] for r in (run, first))
    assert auto == given


@pytest.mark.parametrize(
    ("typed", "line"),
    {
        "--start auto --gradients bp": "--start says where linbp starts, and no rule of --gradients leaves that open",
        "--start nope": "the model has no module 'nope'",
        "--start 9": "start=9 is out of range: the model calls 3 rectifiers",
        "--start auto --calibration 1": "--calibration: '1' is not valid",
        "--gradients linbp(start=auto)+sgm(lam=0.5)": "'linbp(start=auto)+sgm(lam=0.5)': start=auto is found for one",
        # Nothing is calibrated for the first rule where the second cannot be.
        "--gradients linbp(start=auto),linbp(variant=guo,start=auto) --steps 3": "variant=guo: the model has no",
    }.items(),
)
def test_typed_wrongly(attack: Callable[..., Result], workplace: Path, typed: str, line: str) -> None:
    result = attack(typed)
    assert (result.exit_code, result.stdout) == (2, ""), result.stderr
    (said,) = result.stderr.splitlines()
    assert said.startswith(f"error: {line}")
    assert not list((workplace / "runs").rglob("*"))
