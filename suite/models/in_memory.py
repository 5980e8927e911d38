"""A name for a model that exists in memory only: its weights, its settings and the code of its classes."""

import hashlib
import inspect
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from suite.errors import SuiteError
from suite.models.weights import digest

_OWN = frozenset(vars(nn.Module()))  # what every module has: parameters, hooks, the mode
_HOOKS = tuple(name for name in _OWN if name.endswith("_hooks"))


def module_digest(network: nn.Module) -> str:
    """sha256 over weights, plain attributes and the code of all classes in a network.

    The code of classes counts as its source, or as its bytecode where there is no source; what their methods call
    elsewhere does not. torch's own classes count by name.

    Raises SuiteError where a part has no digest: parameters without values, hooks, attributes that are neither numbers,
    texts, tensors nor functions.
    """
    state = network.state_dict(keep_vars=True)
    for name, tensor in state.items():
        if is_lazy(tensor) or tensor.is_meta:
            raise SuiteError(f"parameter {name} of the {type(network).__name__} has no values yet", "run it once")
    sha = hashlib.sha256(digest(state).encode())
    for name, module in network.named_modules():
        sha.update(f"{name} {type(module).__module__}.{type(module).__qualname__}\n".encode())
        for text in _settings(module, name or type(module).__name__):
            sha.update(text.encode())
    for kind in sorted({type(module) for module in network.modules()}, key=lambda kind: kind.__qualname__):
        if not kind.__module__.startswith("torch."):
            sha.update(_source(kind).encode())
    return sha.hexdigest()


def _settings(module: nn.Module, where: str) -> Iterator[str]:
    if any(getattr(module, name) for name in _HOOKS):
        raise SuiteError(f"{where} has hooks, which have no digest", "put what they do into forward")
    for name, value in sorted(vars(module).items()):
        if name not in _OWN:
            yield f"{name}={_plain(value, f'{where}.{name}')}\n"


def _plain(value: Any, where: str) -> str:
    if value is None or isinstance(value, bool | int | float | complex | str | bytes | torch.dtype | torch.device):
        return repr(value)
    if isinstance(value, list | tuple | set | frozenset):
        items = [_plain(item, where) for item in value]
        return f"{type(value).__name__}({', '.join(sorted(items) if isinstance(value, set | frozenset) else items)})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_plain(key, where)}: {_plain(item, where)}" for key, item in value.items()) + "}"
    if isinstance(value, torch.Tensor):
        return digest({"": value})
    if isinstance(value, FunctionType):
        return _bytecode(value.__code__)
    if callable(value) and getattr(value, "__module__", "").startswith("torch"):
        return f"{value.__module__}.{getattr(value, '__qualname__', value)}"
    raise SuiteError(
        f"{where} is a {type(value).__name__}, which has no digest", "keep it as a buffer, a number or a text"
    )


def _source(kind: type) -> str:
    try:
        return inspect.getsource(kind)
    except (OSError, TypeError):
        functions = [value for value in vars(kind).values() if isinstance(value, FunctionType)]
        return "".join(_bytecode(function.__code__) for function in functions)


def _bytecode(code: CodeType) -> str:
    """Instructions, constants and names, those of inner functions too."""
    constants = [_bytecode(each) if isinstance(each, CodeType) else repr(each) for each in code.co_consts]
    return f"{code.co_code.hex()} {constants} {code.co_names}"
