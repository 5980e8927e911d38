"""State dicts on disk and into networks: read without running code, checked against the network, hashed."""

import hashlib
import pickle
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from suite.errors import SuiteError, one_line
from suite.files import atomic

State = dict[str, torch.Tensor]

PICKLES = (".pt", ".pth", ".th")
WRAPPERS = ("state_dict", "model")  # keys under which checkpoints keep the state dict
PREFIXES = ("module.", "network.")  # of DataParallel, and of our own Classifier
SHOWN = 3  # names listed in an error


@dataclass(frozen=True)
class Weights:
    """A state dict on the CPU and the text metadata stored beside it."""

    state: State
    metadata: Mapping[str, str]


def read_weights(path: Path) -> Weights:
    """Reads .safetensors, or .pt/.pth/.th without executing any of its code.

    Raises SuiteError for a missing, unreadable or refused file.
    """
    if not path.is_file():
        raise SuiteError(f"no weights at {path}", "give the path of a .safetensors, .pt, .pth or .th file")
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    if path.suffix not in PICKLES:
        raise SuiteError(f"{path} is no file of weights", "give a .safetensors, .pt, .pth or .th file")
    return Weights(_state_dict(_read_pickle(path), path), {})


def write_weights(path: Path, state: Mapping[str, torch.Tensor], metadata: Mapping[str, str]) -> None:
    """Writes a .safetensors file, whole or not at all."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    with atomic(path) as file:
        file.write(safetensors.torch.save(tensors, dict(metadata)))


def read_metadata(path: Path) -> Mapping[str, str]:
    """The text metadata of a .safetensors file; its tensors are not read."""
    try:
        with safe_open(path, "pt") as file:
            return file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise SuiteError(f"{path} cannot be read: {one_line(error)}", "it may be truncated") from error


def digest(state: Mapping[str, torch.Tensor]) -> str:
    """Sha256 over names, types, shapes and values in the order of names: the same for every file format."""
    sha = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].detach().cpu().contiguous()
        sha.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        sha.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return sha.hexdigest()


def check_finite(state: Mapping[str, torch.Tensor], whose: str) -> None:
    """Raises SuiteError where a weight is NaN or infinite."""
    for name, tensor in state.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise SuiteError(f"the weights of {whose} are not finite: {name}", "the training that made them diverged")


def fill(network: nn.Module, state: Mapping[str, torch.Tensor], whose: str) -> None:
    """Puts the weights into a network, which may be on the meta device.

    Prefixes that a wrapper left on the names are stripped; batch norm's counters may be missing, as in old
    checkpoints. Raises SuiteError, with the first differences, where names or shapes are not the network's.
    """
    expected = network.state_dict()
    for prefix in PREFIXES:
        if all(name.startswith(prefix) for name in state) and not all(name.startswith(prefix) for name in expected):
            state = {name.removeprefix(prefix): tensor for name, tensor in state.items()}
    missing = [name for name in expected if name not in state and not name.endswith("num_batches_tracked")]
    unexpected = [name for name in state if name not in expected]
    misshapen = [name for name in expected if name in state and expected[name].shape != state[name].shape]
    if not missing and not unexpected and misshapen:
        _check_classes(network, state, misshapen, whose)
    differences = [
        f"{len(names)} {kind}: {', '.join(names[:SHOWN])}{', ...' if len(names) > SHOWN else ''}"
        for kind, names in (
            ("missing", missing),
            ("unexpected", unexpected),
            ("of another shape", [f"{name} {_shapes(expected[name], state[name])}" for name in misshapen]),
        )
        if names
    ]
    if differences:
        raise SuiteError(f"the weights of {whose} are another architecture's: {'; '.join(differences)}")
    # A copy of each: files share storages between tensors, and may hold half precision.
    own = {name: tensor.to(expected[name].dtype, copy=True) for name, tensor in state.items()}
    network.load_state_dict(own, strict=False, assign=True)


def _check_classes(network: nn.Module, state: Mapping[str, torch.Tensor], misshapen: list[str], whose: str) -> None:
    """Says so plainly where only the last linear layer differs, and only in its number of outputs."""
    last, layer = [(name, module) for name, module in network.named_modules() if isinstance(module, nn.Linear)][-1]
    if not set(misshapen) <= {f"{last}.weight", f"{last}.bias"}:
        return
    classes, features = state[f"{last}.weight"].shape
    if features == layer.in_features:
        raise SuiteError(
            f"the weights of {whose} tell {classes} classes apart, the data set has {layer.out_features}",
            "choose weights and data set that belong together",
        )


def _read_safetensors(path: Path) -> Weights:
    try:
        return Weights(safetensors.torch.load_file(path), read_metadata(path))
    except (SafetensorError, OSError) as error:
        raise SuiteError(f"{path} cannot be read: {one_line(error)}", "it may be truncated") from error


def _read_pickle(path: Path) -> Any:
    try:
        with warnings.catch_warnings(action="ignore"):  # of old pickle protocols; what matters is an error
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        found = re.search(r"GLOBAL (\S+)", str(error))
        besides = f"it holds {found[1]} besides tensors" if found else "it is damaged or holds more than tensors"
        raise SuiteError(
            f"{path} was refused, as loading it could run any code: {besides}",
            "save the state dict alone, best as .safetensors",
        ) from error
    except Exception as error:  # damaged bytes fail in the unpickler in every possible way
        raise SuiteError(f"{path} cannot be read: {one_line(error)}", "it may be truncated") from error


def _state_dict(content: Any, path: Path) -> State:
    """The state dict in a checkpoint, which may be wrapped and may have numbers beside it."""
    for key in WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    items = content.items() if isinstance(content, dict) else ()
    state = {str(name): value for name, value in items if isinstance(value, torch.Tensor)}
    if not state:
        raise SuiteError(f"{path} holds no state dict", "save model.state_dict()")
    return state


def _shapes(expected: torch.Tensor, given: torch.Tensor) -> str:
    return f"{tuple(given.shape)} instead of {tuple(expected.shape)}"
