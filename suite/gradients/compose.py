"""Several gradient rules as one: `linbp+sgm(lam=0.5)`."""

from collections.abc import Sequence
from functools import partial

from torch import nn

from suite.errors import SuiteError
from suite.gradients.rule import PARTS, GradientRule
from suite.gradients.view import rules_of


def compose(*rules: GradientRule) -> GradientRule:
    """One rule that does what all of `rules` do: `compose(partial(leaky, slope=0.1), partial(sgm, lam=0.5))`.

    They are applied in the order given, but for a modifier (`match`), which asks the rule that it modifies and so goes
    first.

    Args:
        rules: functions `nn.Module -> nn.Module` that change different parts of the backward pass: a rule about
            rectifiers (`linbp`, `leaky`, `softplus`), one about residual branches (`sgm`), one about pools.

    Raises:
        SuiteError: rules that change the same part, or do not say what they change, or change nothing (`bp`); at once
            where the functions tell (`changing`), else when the composed rule is applied to a model.
    """
    _check(rules, [_said(rule) for rule in rules])

    ordered = sorted(rules, key=lambda rule: "lengths" not in (_said(rule) or ()))

    def composed(model: nn.Module) -> nn.Module:
        changed = []
        for rule in ordered:
            before, model = model, rule(model)
            changed.append(_changed(before, model))
            if changed[-1] is None:
                raise SuiteError(
                    f"{_name(rule)} does not say what it changes in the backward pass, so it cannot be composed",
                    "decorate it with suite.gradients.changing, or use it alone",
                )
        _check(ordered, changed)
        return model

    return composed


def _said(rule: GradientRule) -> frozenset[str] | None:
    """What a rule's function says that it changes; None where it does not say."""
    return getattr(_function(rule), "changes", None)


def _changed(before: nn.Module, after: nn.Module) -> frozenset[str] | None:
    """What the rules that `after` has beyond `before` change; None where one of them does not say."""
    added = [getattr(rule, "changes", None) for rule in rules_of(after)[len(rules_of(before)) :]]
    if None in added or (not added and after is not before):
        return None
    return frozenset().union(*filter(None, added))


def _check(rules: Sequence[GradientRule], changes: Sequence[frozenset[str] | None]) -> None:
    """Refuses rules that change nothing, and two that change the same; None is not known yet."""
    taken: dict[str, GradientRule] = {}
    for rule, parts in zip(rules, changes, strict=True):
        if parts is not None and not parts:
            raise SuiteError(f"{_name(rule)} is backpropagation and adds nothing to a composition", "leave it out")
        for part in sorted(parts or ()):
            if part in taken:
                both = f"{_name(taken[part])} and {_name(rule)}"
                raise SuiteError(f"{both} both change {PARTS.get(part, part)}", "choose one of them")
            taken[part] = rule


def _function(rule: GradientRule) -> GradientRule:
    return rule.func if isinstance(rule, partial) else rule


def _name(rule: GradientRule) -> str:
    """A rule as a message calls it, with the arguments that are bound to it."""
    bound = ",".join(f"{key}={value}" for key, value in rule.keywords.items()) if isinstance(rule, partial) else ""
    name = getattr(_function(rule), "__name__", str(rule))
    return f"{name}({bound})" if bound else name
