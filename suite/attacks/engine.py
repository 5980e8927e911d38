"""How an attack gets at a model: gradients under a rule, predictions, and the true model as the judge of success."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import torch
from torch import Tensor, nn

from suite.attacks.arguments import check_choice
from suite.attacks.bfloat16 import InBfloat16, predicting_in_bfloat16, round_weights
from suite.attacks.compiled import SMALLEST, Compiled, Trial, try_on
from suite.attacks.differentiate import Differentiator, differentiator
from suite.attacks.fast import fastest, fold_batch_norm
from suite.attacks.losses import LOSSES, Cotangent
from suite.training.depthwise import keep_in_float32, strided_depthwise

GradientRule = Callable[[nn.Module], nn.Module]
AskTrial = Callable[[Callable[[], Trial]], Trial]
"""How the trial of a compiled step is asked for: `lambda trial: trial()`, or one that a run keeps."""

PRECISIONS = ("fp32", "bf16")
LAYOUTS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


@dataclass(frozen=True)
class Engine:
    """What `iterate` needs of a model.

    judge is None where `predict` is the true model; facts go into the run's record: which engine differentiates and
    why, and for a fast one its memory layout, its precision and the share of gradient signs that agree with the exact
    one's.
    """

    differentiate: Differentiator
    predict: Callable[[Tensor], Tensor]
    judge: Callable[[Tensor], Tensor] | None = None
    facts: Mapping[str, str | float] = field(default_factory=dict)


def exact_engine(model: nn.Module, rule: GradientRule, probe: Tensor, engine: str = "auto") -> Engine:
    """Gradients of `rule(model)`, forward bit-identical to `model`.

    Args:
        model: in eval mode with frozen weights (suite.attacks.frozen).
        rule: gradient rule.
        probe: (>= 2, C, H, W) typical images, to build and check the engine on.
        engine: `auto`, `jacobian` or `autograd` (suite.attacks.differentiate.differentiator).
    """
    differentiate, fact = differentiator(rule(model), probe[:2], engine)
    return Engine(differentiate, model, facts={"engine": fact})


def fast_engine(
    model: nn.Module,
    rule: GradientRule,
    probe: Tensor,
    engine: str = "auto",
    *,
    layout: str | None = None,
    precision: str = "fp32",
    trial: AskTrial | None = None,
) -> Engine:
    """The same on a copy with batch norms folded, in a memory layout.

    Equal up to rounding only: success is judged by `model` itself, and the agreement of signs is measured.

    Args:
        layout: a name in LAYOUTS; None takes what `fast_layout` finds.
        precision: `fp32`, or `bf16`: layers that can compute in bfloat16 do (suite.attacks.bfloat16).
        trial: compiles the step, too (suite.attacks.compiled), and takes what is faster; None does not.

    Raises SuiteError where a compiler is asked for and there is none, or it fails.
    """
    if layout is not None:
        check_choice("layout", layout, LAYOUTS)
    check_choice("precision", precision, PRECISIONS)
    layout = layout or fast_layout(model, rule, probe, engine, precision)
    folded = fold_batch_norm(model, probe[:2])
    arrange = partial(_arranged, rule=rule, probe=probe[:2], engine=engine, layout=layout, precision=precision)
    arranged = arrange(copy.deepcopy(folded))
    if trial is not None:
        arranged = _faster(arranged, arrange(folded, compiled=True), probe, precision, trial)
    exact, _ = differentiator(rule(model), probe[:2], "autograd")
    agreement = _sign_agreement(exact, arranged.differentiate, probe)
    facts = {**arranged.facts, "layout": layout, "precision": precision, "sign_agreement": agreement}
    return Engine(arranged.differentiate, arranged.predict, judge=model, facts=facts)


def fast_layout(
    model: nn.Module, rule: GradientRule, probe: Tensor, engine: str = "auto", precision: str = "fp32"
) -> str:
    """The memory layout in which the folded model differentiates a batch `probe` faster, by a short timing."""
    folded = fold_batch_norm(model, probe[:2])
    seconds = {}
    for layout in LAYOUTS:
        arranged = _arranged(copy.deepcopy(folded), rule, probe[:2], engine, layout, precision)
        seconds[layout] = fastest(lambda run=arranged: run.differentiate(probe, torch.ones_like), probe.device)  # type: ignore[misc]
    return min(seconds, key=seconds.__getitem__)


def _faster(plain: Engine, compiled: Engine, probe: Tensor, precision: str, trial: AskTrial) -> Engine:
    """The compiled engine where it differentiates a batch faster; facts say which, and what compiling took."""
    if len(probe) < SMALLEST:
        return replace(plain, facts={**plain.facts, "compiled": f"no: fewer than {SMALLEST} images at once"})
    found = trial(lambda: try_on(compiled.differentiate, plain.differentiate, probe, precision))
    chosen = compiled if found.pays else plain
    said = {"compiled": f"{'yes' if found.pays else 'no'}: {found.gain:.2f}x as fast"}
    return replace(chosen, facts={**chosen.facts, **said, "compile_seconds": round(found.seconds, 1)})


def _arranged(
    model: nn.Module,
    rule: GradientRule,
    probe: Tensor,
    engine: str,
    layout: str,
    precision: str,
    *,
    compiled: bool = False,
) -> Engine:
    """An engine whose weights and inputs are in a memory layout; `model` is ours to change."""
    memory = LAYOUTS[layout]
    model = model.requires_grad_(False).to(memory_format=memory)
    ruled = rule(model)
    found, fact = differentiator(ruled, probe.contiguous(memory_format=memory), engine)
    differentiate: Differentiator = _InLayout(found, memory)
    if compiled:
        differentiate, fact = Compiled(ruled, differentiate, memory), "autograd"

    def predict(x: Tensor) -> Tensor:
        logits: Tensor = model(x.contiguous(memory_format=memory))
        return logits

    if precision == "bf16":
        for module in strided_depthwise(model):
            keep_in_float32(module)
        round_weights(model, probe.contiguous(memory_format=memory))
        return Engine(InBfloat16(differentiate), predicting_in_bfloat16(predict), facts={"engine": fact})
    return Engine(differentiate, predict, facts={"engine": fact})


class _InLayout:
    """A differentiator whose inputs are brought into a memory layout."""

    def __init__(self, differentiate: Differentiator, layout: torch.memory_format) -> None:
        self.differentiate, self.layout = differentiate, layout

    def __call__(self, x: Tensor, cotangent: Cotangent) -> tuple[Tensor, Tensor]:
        return self.differentiate(x.contiguous(memory_format=self.layout), cotangent)


def _sign_agreement(exact: Differentiator, fast: Differentiator, probe: Tensor) -> float:
    """Share of input-gradient entries whose signs agree, for the loss -log p of the predicted class."""

    (_, exact_gradient), (_, fast_gradient) = exact(probe, _confidence), fast(probe, _confidence)
    return float((exact_gradient.sign() == fast_gradient.sign()).double().mean())


def _confidence(logits: Tensor) -> Tensor:
    return LOSSES["ce"](logits, logits.argmax(1))
