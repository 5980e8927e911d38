"""The compiled step beside the plain one: the same gradient, one compilation for all batches, refusals in a line."""

import os
import shutil
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from modules.linbp import linbp
from suite.attacks import Autograd, Trial, check_compiler, compiled, fast_engine
from suite.attacks.compiled import SMALLEST, Compiled, try_on
from suite.attacks.losses import LOSSES
from suite.errors import SuiteError
from suite.gradients import bp

CPU = torch.device("cpu")
HAS_COMPILER = shutil.which(os.environ.get("CXX") or "g++") is not None
RULES: dict[str, Callable[[nn.Module], nn.Module]] = {
    "bp": bp,
    "linbp": lambda model: linbp(model, "all"),
    "linbp from the last": lambda model: linbp(model, -1),  # counts rectifiers in a pass of its own
}


@pytest.fixture(autouse=True)
def _own_cache(warm_cache: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", f"{warm_cache}/compiled")
    torch.compiler.reset()


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Graphs that were compiled, by a backend that needs no compiler."""
    from torch._dynamo.backends.debugging import aot_eager  # imports torch's compiler

    graphs: list[Any] = []

    def counting(graph: Any, inputs: Any, **options: Any) -> Any:
        graphs.append(graph)
        return aot_eager(graph, inputs, **options)

    monkeypatch.setattr(compiled, "BACKEND", counting)
    return graphs


def net(dtype: torch.dtype = torch.float32) -> nn.Sequential:
    torch.manual_seed(0)
    layers = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(72, 5),
        nn.ReLU(), nn.Linear(5, 5),
    )  # fmt: skip
    return layers.to(dtype).eval().requires_grad_(False)


def images(n: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.rand(n, 3, 6, 6, dtype=dtype, generator=torch.Generator().manual_seed(n))


def away(z: Tensor) -> Tensor:
    return LOSSES["ce"](z, z.argmax(1))


@pytest.mark.parametrize("rule", RULES)
def test_one_compilation_gives_the_plain_gradient_for_batches_of_every_size(rule: str, compilations: list[Any]) -> None:
    model = RULES[rule](net(torch.float64))
    plain = Autograd(model)
    step = Compiled(model, plain, torch.channels_last)
    for n in (SMALLEST, 40, 17, 1):
        x = images(n, torch.float64)
        x = x.contiguous(memory_format=torch.channels_last) if n == 40 else x  # strides of any kind are taken
        for ours, theirs in zip(step(x, away), plain(x, away), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
        assert not x.requires_grad
    assert len(compilations) == 1


def test_results_outlast_the_next_pass_and_a_gpu_compiles_to_graphs(
    compilations: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A CUDA graph writes its results over the last ones; a CPU takes the same mode and has no graphs."""
    assert compiled.MODES == {"cuda": "reduce-overhead"}
    monkeypatch.setattr(compiled, "MODES", {"cpu": "reduce-overhead"})
    model, given = RULES["linbp"](net(torch.float64)), list[Tensor]()
    pulled_back = compiled.pulled_back

    def keeping(logits: Tensor, x: Tensor, direction: Tensor) -> Tensor:
        given.extend([logits.detach(), pulled_back(logits, x, direction)])
        return given[-1]

    monkeypatch.setattr(compiled, "pulled_back", keeping)
    plain = Autograd(model)
    step = Compiled(model, plain, torch.contiguous_format)
    for n in (SMALLEST, 20, 30, 32):  # 16 and 32 rows
        x = images(n, torch.float64)
        results = step(x, away)
        for each in given:
            each.fill_(torch.nan)
        for ours, theirs in zip(results, plain(x, away), strict=True):
            assert len(ours) == n
            torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
    assert {len(each) for each in given} == {16, 32} and len(compilations) == 1


@pytest.mark.nightly
def test_more_steps_are_compiled_than_torch_allows_unasked(compilations: list[Any]) -> None:
    """All views share the code of their forward pass, which torch compiles eight times before it gives up."""
    for layers in range(10):
        deep = nn.Sequential(nn.Flatten(), nn.ReLU(), *[nn.Tanh() for _ in range(layers)])
        model = linbp(deep.eval(), "all")
        Compiled(model, Autograd(model), torch.contiguous_format)(images(SMALLEST), away)
    assert len(compilations) == 10


@pytest.mark.nightly
@pytest.mark.skipif(not HAS_COMPILER, reason="no C++ compiler: apt-get install g++, or set CXX")
def test_what_the_compiler_makes_is_the_plain_step_but_for_rounding() -> None:
    """The one test that compiles to machine code: some ten seconds where nothing is in the cache yet."""
    model, x = net(), images(32)
    asked: list[Trial] = []

    def ask(trial: Callable[[], Trial]) -> Trial:
        asked.append(trial())
        return Trial(asked[0].seconds, 2.0)  # on so small a net either may be faster

    engine = fast_engine(model, RULES["linbp"], x, layout="channels_last", trial=ask)
    plain = fast_engine(model, RULES["linbp"], x, "autograd", layout="channels_last")
    for ours, theirs in zip(engine.differentiate(x, away), plain.differentiate(x, away), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5 * float(theirs.abs().max()))
    assert asked[0].seconds > 0 and asked[0].gain > 0
    assert engine.facts["compiled"] == "yes: 2.00x as fast" and engine.facts["engine"] == "autograd"
    assert engine.judge is model and float(engine.facts["sign_agreement"]) > 0.99


def test_bfloat16_is_compiled_as_well(compilations: list[Any]) -> None:
    engine = fast_engine(net(), bp, images(16), layout="contiguous", precision="bf16", trial=lambda ask: Trial(0, 2))
    plain = fast_engine(net(), bp, images(16), layout="contiguous", precision="bf16")
    ours, theirs = engine.differentiate(images(16), away)[1], plain.differentiate(images(16), away)[1]
    assert compilations and ours.dtype == torch.float32
    assert float((ours - theirs).norm() / theirs.norm()) < 2**-6


def test_what_is_not_faster_is_not_taken(compilations: list[Any]) -> None:
    engine = fast_engine(net(), bp, images(16), layout="contiguous", trial=lambda ask: Trial(3.14, 0.5))
    assert (engine.facts["compiled"], engine.facts["compile_seconds"]) == ("no: 0.50x as fast", 3.1)
    engine.differentiate(images(16), away)
    assert not compilations


def test_a_few_images_are_not_worth_a_compiler(compilations: list[Any]) -> None:
    engine = fast_engine(net(), bp, images(8), layout="contiguous", trial=lambda ask: ask())
    assert engine.facts["compiled"] == "no: fewer than 16 images at once"
    assert not compilations


def test_another_gradient_is_refused() -> None:
    with pytest.raises(SuiteError, match="another gradient"):
        try_on(Autograd(net()), lambda x, cotangent: (x, -Autograd(net())(x, cotangent)[1]), images(16), "fp32")


def test_a_compiler_that_fails_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(graph: Any, inputs: Any) -> Any:
        raise RuntimeError("no space left\non this device")

    monkeypatch.setattr(compiled, "BACKEND", failing)
    step = Compiled(net(), Autograd(net()), torch.contiguous_format)
    with pytest.raises(SuiteError, match="no space left") as caught:
        step(images(16), away)
    assert "\n" not in str(caught.value) and caught.value.remedy == "leave --compile out"


def test_a_missing_compiler_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "/nowhere/g++ -O2")
    with pytest.raises(SuiteError, match="no /nowhere/g"):
        check_compiler(CPU)
    check_compiler(torch.device("cuda"))
