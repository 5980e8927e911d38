"""What a run's key is made of is told without torch just as loading tells it, or not at all."""

import inspect
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from click.testing import Result

from suite import data, models
from suite.errors import SuiteError
from suite.host import preparing
from suite.host.imports.signature import signature
from suite.host.inputs import resolve
from suite.host.preparing import prepare
from suite.host.registry import Registry, load_target
from suite.host.settings import build_config
from suite.host.told import supposed, told
from suite.locks import NotMade, making_nothing
from suite.models.weights import write_weights
from suite.plugin import StudyConfig

pytestmark = pytest.mark.usefixtures("undrawn")

KNOWN = Registry()
SMOKES = [name for name, study in KNOWN.studies.items() if "smoke" in study.presets]


def config_of(study: str, **typed: str) -> StudyConfig:
    given = {name: (value, f"--{name}") for name, value in typed.items()}
    return build_config(KNOWN.config(study), KNOWN.study(study), given, preset="smoke")


@pytest.mark.parametrize("study", SMOKES)
def test_smoke_presets_are_told_as_they_are_loaded(study: str, workplace: Path) -> None:
    config = config_of(study)
    loaded = resolve(config, KNOWN, "cpu").digests
    assert told(config, KNOWN) == loaded
    assert supposed(config) == loaded


@pytest.fixture
def references(workplace: Path) -> Mapping[str, str]:
    """References to one net of several kinds; `wrapped` is as DataParallel saves it, `half` not as the net has it."""
    state = models.load("digits-cnn", data.load("digits")).network.state_dict()
    (workplace / "runs/s.t/k").mkdir(parents=True)
    write_weights(workplace / "plain.safetensors", state, {})
    write_weights(workplace / "wrapped.safetensors", {f"module.{name}": each for name, each in state.items()}, {})
    write_weights(workplace / "half.safetensors", {name: each.half() for name, each in state.items()}, {})
    write_weights(
        workplace / "runs/s.t/k/models/n.safetensors",
        {f"network.{name}": each for name, each in state.items()},
        {"model": "digits-cnn"},
    )
    torch.save(state, workplace / "pickled.pt")
    (workplace / "mine.py").write_text(
        "from suite import data, models\nnet = models.load('digits-cnn', data.load('digits'))"
    )
    files = {name: f"digits-cnn@{name}.safetensors" for name in ("plain", "wrapped", "half")}
    return {**files, "run": "run:s.t/k/n", "pickled": "digits-cnn@pickled.pt", "random": "digits-cnn@random(0)",
            "own": "mine.py:net"}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "same"),
    [
        ("plain", True),
        ("wrapped", True),
        ("run", True),
        ("half", False),
        ("pickled", False),
        ("random", False),
        ("own", False),
    ],
)
def test_other_weights_are_supposed_rightly_or_loaded(kind: str, same: bool, references: Mapping[str, str]) -> None:
    config = config_of("linbp.attack", model=references[kind])
    assert told(config, KNOWN) is None  # whether they fit is seen when they are loaded
    assert (supposed(config) == resolve(config, KNOWN, "cpu").digests) is same
    assert (
        prepare("linbp.attack", config, KNOWN, root=Path("runs"), device="cpu").origins.items()
        > resolve(config, KNOWN, "cpu").digests.items()
    )


def test_damaged_weights_are_noticed(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUITE_CACHE", str(workplace / "cache"))
    dataset = data.load("digits")
    net = models.train("two-layer", dataset, epochs=1)
    config = config_of("linbp.attack", model="two-layer")
    whole = told(config, KNOWN)
    assert whole is not None and whole["model two-layer"] == net.info.digest
    path = Path(net.info.source)
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    for tell in (lambda: told(config, KNOWN), lambda: supposed(config)):
        with pytest.raises(SuiteError, match="is damaged"):
            tell()


def test_what_is_wrong_is_refused_without_loading(workplace: Path) -> None:
    for typed, what in (
        ({"model": "digit-cnn"}, "unknown model"),
        ({"model": "vgg16"}, "cannot take the 8 x 8 images"),
        ({"model": "cifar-cnn"}, "cifar-cnn is not trained on digits"),
        ({"gradients": "linbp(strat=1)"}, "linbp has no argument 'strat'"),
        ({"gradients": "linbp,linpb"}, "unknown gradient rule"),
    ):
        with pytest.raises(SuiteError, match=what):
            told(config_of("linbp.attack", **typed), KNOWN)


def test_whether_rules_go_together_is_for_loading_to_tell(workplace: Path) -> None:
    config = config_of("linbp.attack", gradients="bp,linbp+silu")
    assert told(config, KNOWN) is None
    with pytest.raises(SuiteError, match="both change"):
        resolve(config, KNOWN)


def test_what_would_be_trained_is_not_there(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = data.load("digits")
    monkeypatch.setattr("suite.models.told.whole_digest", lambda _: None)
    assert dataset and told(config_of("linbp.attack"), KNOWN) is None
    with making_nothing(), pytest.raises(NotMade, match="digits-cnn on digits is not there yet"):
        told(config_of("linbp.attack"), KNOWN)


@pytest.mark.parametrize("name", KNOWN.gradients)
def test_signatures_are_read_as_they_are(name: str) -> None:
    target = KNOWN.gradients[name].target
    found = signature(target, KNOWN.top_packages())
    loaded = inspect.signature(load_target(target))
    assert found is not None
    assert [_parameter(each) for each in found.parameters.values()] == [
        _parameter(each) for each in loaded.parameters.values()
    ]


def _parameter(each: inspect.Parameter) -> tuple[object, ...]:
    return each.name, each.kind, each.default is each.empty


def test_a_stored_answer_loads_nothing(
    study: Callable[..., Result], workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = ("linbp.attack", "--preset", "smoke", "--model", "digits-cnn")
    assert study(*typed).exit_code == 0
    code = (
        "import sys\nfrom suite.host.cli import main\n"
        f"try: main({['run', *typed]})\nexcept SystemExit as done: code = done.code\n"
        "print({'torch', 'scipy', 'sklearn', 'matplotlib'} & {*sys.modules}, file=sys.stderr)\nsys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and done.stderr.splitlines() == ["already finished; --fresh measures it again", "set()"]
    monkeypatch.setattr(preparing, "resolve", lambda *_: pytest.fail("it was loaded"))
    assert study(*typed).exit_code == 0
