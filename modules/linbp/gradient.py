"""Linear backpropagation: the forward pass unchanged, rectifier derivatives skipped in the backward pass.

Guo, Li, Chen (NeurIPS 2020) and Li et al. (ICLR 2022 submission) Eq. 5-8: with M_i = W_i dσ(f_i)/df_i,

    BP     M_1 ... M_{d-1} W_d dL/df_d
    LinBP  M_1 ... M_m W_{m+1} ... W_d dL/df_d        from layer m+1 on

`linbp(model, start=...)` is a model for any attack library or training loop: same parameters, same forward bit
for bit, and the identity in place of every rectifier's derivative from `start` on, in order of execution.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn

from modules.linbp.constant_tail import ConstantTail
from suite.errors import SuiteError, did_you_mean
from suite.gradients import Rectified, between, changing, from_start, linear
from suite.gradients.residual import Branch, branches
from suite.gradients.sgm import factor

VARIANTS = ("li", "guo")


@changing("rectifiers")
def linbp(
    model: nn.Module,
    start: str | int | None = None,
    variant: str = "li",
    lam: float | None = None,
    stop: str | int | None = None,
) -> nn.Module:
    """The model with a linear backward pass from `start` on, or from `start` up to `stop`.

    Args:
        model: any nn.Module; it is not touched, and shares its parameters, buffers and mode with the result.
        start: a module path (`layer4`, `features.17`): its first rectifier call and all later ones. A container that
            the model never calls itself, since it goes through what is in it, means the first called of these;
            an integer: that rectifier call (0 the first, -1 the last) and all later ones;
            `all` (the same as 0); `none` (plain backpropagation);
            None: `model.linbp_start`, the position that the model zoo keeps for each architecture.
        variant: `li` (Li et al. 2022): every rectifier from `start` on is linear. `guo` (Guo et al. 2020, for residual
            nets): only those inside the branches of the residual blocks from `start` on, and each branch's gradient
            is rescaled, for every sample, to the length it has in backpropagation (modules.linbp.guo). In nets
            without residual blocks, such as VGG, Guo et al.'s rule is `li`.
        lam: of `guo` only: factor in (0, 1] on the rescaled branch gradient, 1 unless given; SGM's (Wu et al. 2020).
        stop: of `li` only: the first rectifier call that keeps its derivative again, and with it all later ones, as
            the end of a Python slice: `start=layer3,stop=layer4` linearises layer3 alone, `start=5,stop=6` one call.

    Raises:
        SuiteError: unknown path, with the nearest names; None on a model without a position; `guo` on a model without
            residual blocks that are recognised (suite.gradients.residual), lam out of range or with `li`; stop with
            `guo`. At the first forward pass: an index out of range, with the valid range; a start that no rectifier
            follows; a stop that is not behind the start.

    Cost: that of the model, and for `guo` a second backward pass through the branches; a negative start takes one more
    forward pass, the first time. `guo` is differentiable once, and in eager mode.
    """
    if variant not in VARIANTS:
        raise SuiteError(f"variant={variant} of linbp", did_you_mean(str(variant), VARIANTS))
    if variant == "li" and lam is not None:
        raise SuiteError("lam is an argument of linbp(variant=guo)", "write linbp+sgm(lam=...) for the factor alone")
    if variant == "guo" and stop is not None:
        raise SuiteError("stop is an argument of linbp(variant=li)", "leave it out, or use variant=li")
    start = getattr(model, "linbp_start", None) if start is None else start
    if start is None:
        remedy = "write linbp(start=-1), or another place in the brackets; suite models inspect shows them"
        raise SuiteError("the model does not say where LinBP starts", remedy)
    if variant == "li":
        return between(model, start, stop, LinBP)
    from modules.linbp.guo import Guo  # keeps the compiler away, and so imports it: seconds that others need not spend

    known, lam = _branches(model), factor(1 if lam is None else lam, "linbp")
    return from_start(model, start, lambda first: Guo(first, known, lam))


def _branches(model: nn.Module) -> dict[str, Branch]:
    try:
        return branches(model)
    except SuiteError as error:
        remedy = f"without residual blocks Guo et al.'s rule is variant=li; {error.remedy}"
        raise SuiteError(f"variant=guo: {error.what}", remedy) from error


@contextmanager
def linear_backward(model: nn.Module, start: str | int | None = None) -> Iterator[None]:
    """Within the block, `model(x)` itself has LinBP's backward pass; for code that holds on to its own model.

    Do not copy the model within the block: the copy would compute with the original's weights.
    """
    if "forward" in model.__dict__:
        raise SuiteError("the model's forward is already replaced", "use linbp(model) for a second rule")
    model.__dict__["forward"] = linbp(model, start).forward
    try:
        yield
    finally:
        del model.__dict__["forward"]


class LinBP(Rectified):
    """The rule behind a view; `start` and `stop` are module paths of the model or rectifier calls' indices."""

    def __init__(self, start: str | int, stop: str | int | None = None) -> None:
        super().__init__(start, linear, stop)

    def engine(self, model: nn.Module, probe: Tensor) -> ConstantTail:
        """The faster exact way to differentiate this rule's models (suite.attacks.differentiate.OwnEngine)."""
        if self.stop is not None:
            raise SuiteError("rectifiers behind stop keep their derivative", "leave stop out, or use --engine autograd")
        return ConstantTail(self, model, probe)
