"""The user's own models: where they come from, what they may be given, and what happens where their code fails."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from suite.data import Dataset
from suite.errors import SuiteError, WorkFailed
from suite.models import load, module_digest
from suite.models.own_code import users_code

Noise = Callable[..., Dataset]

CODE = """
import sys
import torch
from torch import nn
import beside

class Net(nn.Module):
    def __init__(self, num_classes=10, width=4, gives="logits"):
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(64, width), nn.ReLU(), nn.Linear(width, num_classes))
        self.gives = gives

    def forward(self, x):
        y = self.body(x)
        if self.gives == "exit":
            sys.exit(3)
        if self.gives == "interrupt":
            raise KeyboardInterrupt
        return {"tuple": (y,), "dict": {"logits": y}, "meta": y.to("meta"), "int": y.long()}.get(self.gives, y)

def trained(width=4, **settings):
    net = Net(width=width, **settings)
    for parameter in net.parameters():
        nn.init.constant_(parameter, 0.5)
    return net

def exits():
    raise SystemExit(3)

def interrupts():
    raise KeyboardInterrupt

def lazy():
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(10))

def meta():
    return Net().to("meta")

def half():
    return trained().half()

one = trained()
fresh = Net()
"""


@pytest.fixture(params=["net_of_the_user.py", "import:net_of_the_user"])
def net(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The beginning of references to the code above: to its file, and to it as a module."""
    (tmp_path / "net_of_the_user.py").write_text(CODE)
    (tmp_path / "beside.py").touch()
    monkeypatch.chdir(tmp_path)
    for name in ("net_of_the_user", "beside"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return str(request.param)


def test_a_factory_with_arguments(net: str, noise: Noise) -> None:
    model = load(f"{net}:trained(width=7)", noise())
    assert model.network.get_parameter("body.1.weight").shape == (7, 64)
    assert model.info.digest == load(f"{net}:trained(width=7)", noise()).info.digest
    assert model.info.digest != load(f"{net}:trained", noise()).info.digest
    with pytest.raises(SuiteError, match=r"Net of .* has no argument 'widht' \(did you mean width"):
        load(f"{net}:Net(widht=7)", noise())


def test_weights_of_a_file(net: str, noise: Noise, tmp_path: Path) -> None:
    made = load(f"{net}:Net(width=5)@random(1)", noise())
    state = {f"module.{name}": value for name, value in made.network.state_dict().items()}
    torch.save({"state_dict": state}, tmp_path / "w.pt")
    found = load(f"{net}:Net(width=5)@{tmp_path / 'w.pt'}", noise())
    assert torch.equal(found(torch.ones(1, 1, 8, 8)), made(torch.ones(1, 1, 8, 8)))
    assert found.info.digest == made.info.digest
    with pytest.raises(SuiteError, match=r"body\.1\.weight \(5, 64\) instead of \(4, 64\)"):
        load(f"{net}:Net@{tmp_path / 'w.pt'}", noise())
    torch.save({name.replace("body", "bodies"): value for name, value in state.items()}, tmp_path / "w.pt")
    with pytest.raises(SuiteError, match=r"missing: body\.1\.weight \(nearest there: bodies\.1\.weight\)"):
        load(f"{net}:Net(width=5)@{tmp_path / 'w.pt'}", noise())


def test_random_weights_are_said_or_refused(net: str, noise: Noise) -> None:
    for name in ("Net", "fresh"):
        with pytest.raises(SuiteError, match=r"drawn at random each time: body\.1\.weight.*@random\(0\)"):
            load(f"{net}:{name}", noise())
        torch.manual_seed(5)
        before = torch.get_rng_state()
        seeds = (0, 0, 1)
        digests = [load(f"{net}:{name}@random({seed})", noise()).info.digest for seed in seeds]
        assert digests[0] == digests[1] != digests[2]
        assert torch.equal(torch.get_rng_state(), before)


def test_a_plain_object(net: str, noise: Noise) -> None:
    assert load(f"{net}:one", noise()).info.digest == load(f"{net}:trained", noise()).info.digest
    with pytest.raises(SuiteError, match="one is a module, not a function"):
        load(f"{net}:one(width=3)", noise())


def test_edited_code_is_another_model(net: str, noise: Noise, tmp_path: Path) -> None:
    before = load(f"{net}:trained", noise()).info.digest
    (tmp_path / "net_of_the_user.py").write_text(CODE + "\n# edited\n")
    assert load(f"{net}:trained", noise()).info.digest != before


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("exits", "calling exits of .* failed: it ended the program, SystemExit: 3"),
        ("interrupts", "calling interrupts of .* failed: it raised KeyboardInterrupt"),
        ("lazy", "has no shape yet"),
        ("half", r"pixels are float32, and its weights torch\.float16: return model\.float\(\)"),
        ("meta", "is on the meta device and has no values"),
        ("trained(gives=exit)", "a forward pass of .* it ended the program"),
        ("trained(gives=interrupt)", "a forward pass of .* it raised KeyboardInterrupt"),
        ("trained(gives=tuple)", "gives a tuple .it must return one tensor of logits"),
        ("trained(gives=dict)", "gives a dict .it must return one tensor of logits"),
        ("trained(gives=meta)", "gives no values, on the meta device"),
        ("trained(gives=int)", r"gives logits of torch\.int64"),
    ],
)
def test_code_that_fails(net: str, name: str, told: str, noise: Noise) -> None:
    with pytest.raises(SuiteError, match=told) as error:
        load(f"{net}:{name}", noise())
    assert not isinstance(error.value, WorkFailed)


def test_a_forward_pass_that_exits_during_work(net: str, noise: Noise) -> None:
    model = load(f"{net}:trained", noise())
    model.network.gives = "exit"  # type: ignore[assignment]
    with pytest.raises(WorkFailed, match="a forward pass of"):
        model(torch.ones(1, 1, 8, 8))


def test_ctrl_c_still_stops() -> None:
    began = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    try:
        with pytest.raises(KeyboardInterrupt), users_code("a model"):
            os.kill(os.getpid(), signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, began)


@pytest.mark.parametrize("seed", [None, 3])
def test_zoo_models_take_random_weights(seed: int | None, noise: Noise) -> None:
    if seed is None:
        with pytest.raises(SuiteError, match="not trained"):
            load("two-layer", noise())
    else:
        model = load(f"two-layer(width=3)@random({seed})", noise())
        assert model.info.digest == load(f"two-layer(width=3)@random({seed})", noise()).info.digest
        assert module_digest(model.network)


def test_torchvision_with_weights_of_a_file(noise: Noise, tmp_path: Path) -> None:
    dataset = noise((3, 32, 32), classes=3)
    with pytest.raises(SuiteError, match=r"has no weights \(add them"):
        load("torchvision:squeezenet1_1(weights=none)", dataset)
    made = load("torchvision:squeezenet1_1@random(0)", dataset)
    torch.save(made.network.state_dict(), tmp_path / "w.pt")
    ref = f"torchvision:squeezenet1_1(weights=none,num_classes=3)@{tmp_path / 'w.pt'}"
    assert load(ref, dataset).info.digest == made.info.digest
    for text, told in (
        (ref.replace("none", "DEFAULT"), "names two kinds of weights"),
        ("torchvision:squeezenet1_1(weights=MINE)", "torchvision has no weights 'MINE'"),
        ("torchvision:squeezenet1_1(depth=3)@random(0)", "cannot be built: TypeError"),
    ):
        with pytest.raises(SuiteError, match=told):
            load(text, dataset)
    assert isinstance(made.network, nn.Module) and made.normalises
