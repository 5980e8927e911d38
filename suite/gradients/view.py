"""A second model over the same parameters: what lets a gradient rule change a backward pass without editing a model.

`view(model, rule)` mirrors the module tree. Every mirrored module shares its original's parameters, buffers,
hooks and train/eval mode, and passes each forward call through the rule. The original is never written to.
"""

from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from functools import cache, partial
from typing import Any, Protocol, cast

import torch
from torch import nn

from suite.errors import SuiteError

Forward = Callable[..., Any]


class ForwardRule(Protocol):
    """What a view asks for at every module call."""

    def call(self, module: "View", forward: Forward, /, *args: Any, **kwargs: Any) -> Any:
        """Runs `forward(*args, **kwargs)` of `module`, with whatever the rule does around it."""


class View(nn.Module):
    """Mixin of every mirrored module.

    `_view_path` is the module's (first) name in the mirrored model, "" at the root; `_view_rules` are applied in order.
    """

    _view_path: str = ""
    _view_rules: tuple[ForwardRule, ...] = ()

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        call = super().forward
        for rule in self._view_rules:  # a container made on the fly (a slice of Sequential) has none
            call = partial(rule.call, self, call)
        return call(*args, **kwargs)

    @property
    def training(self) -> bool:
        """The original's mode: a view has none of its own."""
        original = self.__dict__.get("_view_original", ())
        return bool(original[0].training if original else self.__dict__.get("_view_mode", True))

    @training.setter
    def training(self, mode: bool) -> None:
        if original := self.__dict__.get("_view_original", ()):
            original[0].training = mode
        else:
            self.__dict__["_view_mode"] = mode


def view(model: nn.Module, rule: ForwardRule) -> nn.Module:
    """A model with `model`'s class, parameters, buffers, hooks and mode whose module calls pass through `rule`.

    Views compose: a view of a view applies both rules, the later one outermost. Tables are shared, children and plain
    attributes are those of the moment; to pickle a view, save the original.

    Raises:
        SuiteError: what would bypass the rule, silently: TorchScript modules, a forward that is replaced on the
            instance (a compiled model), a view that is part of the model.
    """
    if "forward" in model.__dict__:
        raise SuiteError(
            "the model's forward is replaced on the instance (compiled, patched, or within linear_backward)",
            "take the rule of the plain model, and compile the result",
        )
    return _mirror(model, "", rule, rules_of(model), {})


# The mode is asked of the original, and its compiled call would bypass the rule.
_NOT_SHARED = ("training", "_compiled_call_impl")


def _mirror(
    module: nn.Module, path: str, rule: ForwardRule, earlier: tuple[ForwardRule, ...], done: dict[int, nn.Module]
) -> nn.Module:
    if id(module) in done:
        return done[id(module)]
    if isinstance(module, torch.jit.ScriptModule):
        raise SuiteError(f"module {path or 'model'!r} is TorchScript", "pass the original nn.Module")
    if rules_of(module) != earlier:
        raise SuiteError(f"module {path!r} is a view already", "apply rules to the whole model")
    mirrored_class = _mirrored_class(cast(Any, type(module)))
    mirrored = cast(View, mirrored_class.__new__(mirrored_class))
    done[id(module)] = mirrored
    # Parameter, buffer and hook tables stay the same objects, so moving or hooking one side moves or hooks both.
    attributes = {name: value for name, value in module.__dict__.items() if name not in _NOT_SHARED}
    children = {
        name: child if child is None else _mirror(child, f"{path}.{name}".lstrip("."), rule, earlier, done)
        for name, child in module._modules.items()
    }
    # In a tuple, so that nn.Module does not register the original as a child.
    attributes |= {
        "_modules": children,
        "_view_original": (module,),
        "_view_rules": (*earlier, rule),
        "_view_path": path,
    }
    mirrored.__dict__.update(attributes)
    return mirrored


@cache
def _mirrored_class(cls: Any) -> type[nn.Module]:
    return cls if issubclass(cls, View) else type(cls.__name__, (View, cls), {"__module__": cls.__module__})


def rules_of(model: nn.Module) -> tuple[ForwardRule, ...]:
    """The rules of a view, in the order of application; none for any other model."""
    return model._view_rules if isinstance(model, View) else ()


def find_path(model: nn.Module, path: str, what: str = "start") -> str:
    """The module path that `path` names: exact, or the one module whose path ends in it (`layer4` inside a wrapper).

    Raises SuiteError with the nearest names when there is none, or all candidates when there are several; `what` is
    the argument that it was given as.
    """
    names = [str(name) for name, _ in model.named_modules() if name]
    if path in names:
        return path
    endings = [name for name in names if name.endswith(f".{path}")]
    if len(endings) == 1:
        return endings[0]
    if endings:
        raise SuiteError(f"{what} {path!r} names several modules", "one of " + ", ".join(endings[:6]))
    raise SuiteError(f"the model has no module {path!r}", nearest(path, names))


def nearest(path: str, names: Sequence[str]) -> str:
    """The remedy for a place that will not do: those most alike in name, and the outermost of the others."""
    near = sorted((name for name in names if _likeness(path, name) >= 0.6), key=lambda name: -_likeness(path, name))[:3]
    others = sorted((name for name in names if name not in near), key=lambda name: name.count("."))
    listed = ", ".join(others[:12]) + (f" and {len(others) - 12} more" if len(others) > 12 else "")
    if not near:
        return f"known: {listed}" if listed else "none is known"
    return f"did you mean {' or '.join(near)}?" + (f" there are also {listed}" if listed else "")


def _likeness(path: str, name: str) -> float:
    """How alike a typed path and a module's are, in [0, 1]; a wrapper's prefix does not count."""
    parts = name.split(".")
    endings = [".".join(parts[i:]) for i in range(len(parts))]
    return max(SequenceMatcher(None, path, ending).ratio() for ending in endings)
