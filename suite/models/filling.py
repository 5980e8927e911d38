"""State dicts into networks: names, shapes and kinds of tensors are checked before anything is computed with them."""

import logging
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from suite.errors import SuiteError
from suite.models.tensor_file import PREFIXES

log = logging.getLogger("suite")

State = Mapping[str, torch.Tensor]

SHOWN = 3  # names listed in an error
LONGEST = 120  # characters of a name that are compared and shown
CANDIDATES = 1000  # names among which the nearest is sought


def fill(network: nn.Module, state: State, whose: str) -> None:
    """Puts the weights into a network, which may be on the meta device.

    Prefixes that a wrapper left on the names are stripped; batch norm's counters may be missing, as in old
    checkpoints. Floating-point numbers of another precision are converted, and a line says so. Raises SuiteError, with
    the first differences, where names or shapes are not the network's, and where a tensor is sparse, without values,
    quantised, complex, or of integers where the network computes with real numbers.
    """
    check_values_there(network, whose, meta_allowed=True)
    expected: State = {name: tensor for name, tensor in network.state_dict().items() if torch.is_tensor(tensor)}
    state = _without_prefixes(state, expected)
    _check_kinds(state, expected, whose)
    missing = [name for name in expected if name not in state and not name.endswith("num_batches_tracked")]
    unexpected = [name for name in state if name not in expected]
    misshapen = [name for name in expected if name in state and expected[name].shape != state[name].shape]
    if not missing and not unexpected and misshapen:
        _check_classes(network, state, misshapen, whose)
    differences = [
        f"{len(names)} {kind}: {', '.join(names[:SHOWN])}{', ...' if len(names) > SHOWN else ''}"
        for kind, names in (
            ("missing", _nearest(missing, unexpected)),
            ("unexpected", [name[:LONGEST] for name in unexpected]),
            ("of another shape", [f"{name} {_shapes(expected[name], state[name])}" for name in misshapen]),
        )
        if names
    ]
    if differences:
        raise SuiteError(f"the weights of {whose} are another architecture's: {'; '.join(differences)}")
    pairs = {(state[name].dtype, expected[name].dtype) for name in state if state[name].is_floating_point()}
    for given, wanted in sorted(((_name(a), _name(b)) for a, b in pairs if a != b)):
        log.info("the weights of %s are %s in the file and %s in the model", whose, given, wanted)
    # A copy of each: files share storages between tensors, and may hold other precisions.
    own = {name: tensor.to(expected[name].dtype, copy=True) for name, tensor in state.items()}
    network.load_state_dict(own, strict=False, assign=True)


def check_values_there(network: nn.Module, whose: str, *, meta_allowed: bool = False) -> None:
    """Raises SuiteError where a parameter or buffer has no values: lazy, or on the meta device."""
    for name, tensor in network.state_dict(keep_vars=True).items():
        if is_lazy(tensor):
            raise SuiteError(f"{name} of {whose} has no shape yet", "call the lazy model once before it is returned")
        if torch.is_tensor(tensor) and tensor.is_meta and not meta_allowed:
            raise SuiteError(f"{name} of {whose} is on the meta device and has no values", "add @FILE with its weights")


def check_finite(state: State, whose: str) -> None:
    """Raises SuiteError where a weight is NaN or infinite."""
    for name, tensor in state.items():
        if torch.is_tensor(tensor) and tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise SuiteError(f"the weights of {whose} are not finite: {name}", "the training that made them diverged")


def _without_prefixes(state: State, expected: State) -> State:
    for _ in range(2 * len(PREFIXES)):  # wrappers may be wrapped
        for prefix in PREFIXES:
            if _all_begin(state, prefix) and not _all_begin(expected, prefix):
                state = {name.removeprefix(prefix): tensor for name, tensor in state.items()}
                break
        else:
            break
    return state


def _all_begin(names: Iterable[str], prefix: str) -> bool:
    return all(name.startswith(prefix) for name in names)


def _check_kinds(state: State, expected: State, whose: str) -> None:
    for name, tensor in state.items():
        wanted = expected.get(name)
        kind = _unusable(tensor)
        if kind is None and wanted is not None and wanted.is_floating_point() != tensor.is_floating_point():
            kind = f"of {_name(tensor.dtype)}"
        if kind:
            raise SuiteError(
                f"the weights of {whose}: {name[:LONGEST]} is {kind}", "save dense tensors of floating-point numbers"
            )


def _unusable(tensor: torch.Tensor) -> str | None:
    """What makes a tensor no weight of ours, whatever the network."""
    if tensor.is_nested:
        return "a nested tensor"
    if tensor.is_quantized:
        return "quantised"
    if tensor.is_complex():
        return "complex"
    if tensor.layout is not torch.strided:
        return "sparse"
    return "without values (on the meta device)" if tensor.is_meta else None


def _check_classes(network: nn.Module, state: State, misshapen: list[str], whose: str) -> None:
    """Says so plainly where only the last linear layer differs, and only in its number of outputs."""
    layers = [(name, module) for name, module in network.named_modules() if isinstance(module, nn.Linear)]
    if not layers or not set(misshapen) <= {f"{layers[-1][0]}.weight", f"{layers[-1][0]}.bias"}:
        return
    last, layer = layers[-1]
    shape = state[f"{last}.weight"].shape
    if len(shape) == 2 and shape[1] == layer.in_features:
        raise SuiteError(
            f"the weights of {whose} tell {shape[0]} classes apart, the network {layer.out_features}",
            "choose weights, data set and arguments of the model that belong together",
        )


def _nearest(missing: list[str], unexpected: list[str]) -> list[str]:
    """The missing names, the first ones with what the file has instead, if that is alike."""
    there = [name for name in unexpected if len(name) <= LONGEST][:CANDIDATES]
    shown = [
        f"{name} (nearest there: {near[0]})" if (near := get_close_matches(name, there, 1)) else name
        for name in missing[:SHOWN]
    ]
    return [*shown, *missing[SHOWN:]]


def _shapes(expected: torch.Tensor, given: torch.Tensor) -> str:
    return f"{tuple(given.shape)} instead of {tuple(expected.shape)}"


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
