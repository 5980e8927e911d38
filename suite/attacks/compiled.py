"""The step of an attack through torch.compile, which fuses loops and leaves Python out: equal up to rounding.

It makes C++ (on a GPU, Triton and CUDA graphs) and needs a compiler. What it makes is kept in `SUITE_CACHE`, so that a
later process traces again and compiles nothing; `TORCHINDUCTOR_CACHE_DIR` moves it. torch's compiler is imported only
when asked.
"""

import os
import shlex
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from suite.attacks.differentiate import Differentiator, pulled_back
from suite.attacks.fast import fastest
from suite.attacks.losses import Cotangent
from suite.errors import SuiteError, one_line
from suite.paths import cache_root

BACKEND = "inductor"
MODES = {"cuda": "reduce-overhead"}  # by device; this one's CUDA graphs start all kernels of a pass at once
SMALLEST = 16  # rows of a batch; fewer are arranged otherwise by oneDNN, and would have to be compiled apart
_MANY = 1000  # compilations of one function; torch's own limit of 8 is soon met, since a model's modules share theirs
_SAME_SIGNS = {"fp32": 0.98, "bf16": 0.75}  # least share by precision: half would be the same by chance


@dataclass(frozen=True)
class Trial:
    """What compiling brought: seconds that it took, and how many times faster it made a step."""

    seconds: float
    gain: float

    @property
    def pays(self) -> bool:
        """Whether the compiled step is the faster one."""
        return self.gain > 1


class Compiled:
    """A differentiator of `model` through torch.compile, for batches of any size; small ones go the `plain` way.

    Args:
        model: under its gradient rule, in eval mode with frozen weights.
        plain: the same model's differentiator without a compiler.
        layout: memory format of inputs and weights.

    Raises SuiteError, at the first batch, for a model that torch.compile fails on.
    """

    def __init__(self, model: nn.Module, plain: Differentiator, layout: torch.memory_format) -> None:
        self.model, self.plain, self.layout = model, plain, layout
        self._compiled: Callable[[Tensor], Tensor] | None = None

    def __call__(self, x: Tensor, cotangent: Cotangent) -> tuple[Tensor, Tensor]:
        if len(x) < SMALLEST:
            return self.plain(x, cotangent)
        if self._compiled is None:
            self._compiled = self._compile(x)
        return self._run(self._compiled, x, cotangent)

    def _run(self, model: Callable[[Tensor], Tensor], x: Tensor, cotangent: Cotangent) -> tuple[Tensor, Tensor]:
        # Of the same strides each time, also where images have one channel and either layout would describe them.
        count, shape = len(x), (rows_for(len(x), x.device), *x.shape[1:])
        held = torch.empty(shape, dtype=x.dtype, device=x.device, memory_format=self.layout)
        held[:count], held[count:] = x.detach(), 0
        held.requires_grad_()
        torch._dynamo.mark_dynamic(held, 0, min=SMALLEST)
        torch.compiler.cudagraph_mark_step_begin()
        logits = model(held)
        direction = torch.zeros_like(logits)
        direction[:count] = cotangent(logits[:count].detach())
        gradient = pulled_back(logits, held, direction)
        # The next pass of a CUDA graph writes where this one's results are.
        return logits[:count].detach().clone(), gradient[:count].clone()

    def _compile(self, x: Tensor) -> Callable[[Tensor], Tensor]:
        check_compiler(x.device)
        os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str((cache_root() / "compiled").absolute()))
        with torch.no_grad():
            self.model(x[:1])  # a rule that counts rectifiers does so before it is traced
        mode = MODES.get(x.device.type)
        compiled: Callable[[Tensor], Tensor] = torch.compile(self.model, backend=BACKEND, mode=mode)
        try:
            with torch._dynamo.config.patch(recompile_limit=_MANY, accumulated_recompile_limit=_MANY):
                self._run(compiled, x, torch.ones_like)
        except Exception as error:  # of the model's code, of torch's compiler, of the system's: all kinds
            said = one_line(getattr(error, "inner_exception", error))
            what = f"torch.compile fails on this model: {said}"
            raise SuiteError(what, "leave --compile out") from error
        return compiled


def rows_for(count: int, device: torch.device) -> int:
    """Of the batch that is computed for so many samples: a GPU records a graph for each size, so that there are few."""
    return 1 << (count - 1).bit_length() if device.type in MODES else count


def try_on(compiled: Differentiator, plain: Differentiator, probe: Tensor, precision: str) -> Trial:
    """Compiles on a batch (>= SMALLEST, ...), compares the gradients, and times both ways.

    Args:
        precision: `fp32` or `bf16` of both, where more signs may differ.

    Raises SuiteError where torch.compile fails, or its gradient is another one.
    """
    begin = time.perf_counter()
    _, ours = compiled(probe, torch.ones_like)
    seconds = time.perf_counter() - begin
    _, theirs = plain(probe, torch.ones_like)
    same = float((ours.sign() == theirs.sign()).double().mean())
    if not same >= _SAME_SIGNS[precision]:
        what = f"torch.compile gives another gradient: {same:.1%} of its signs are the same"
        raise SuiteError(what, "leave --compile out")
    with_it, without = (fastest(partial(way, probe, torch.ones_like), probe.device) for way in (compiled, plain))
    return Trial(seconds, without / with_it)


def check_compiler(device: torch.device) -> None:
    """Raises SuiteError where the system has no C++ compiler; on a GPU torch brings its own."""
    name = os.environ.get("CXX") or ("clang++" if sys.platform == "darwin" else "g++")
    if device.type == "cpu" and shutil.which(shlex.split(name)[0]) is None:
        what = f"--compile needs a C++ compiler, and there is no {name}"
        raise SuiteError(what, "install one (apt-get install g++), set CXX, or leave --compile out")
