"""State dicts on disk: read without running code, written whole, hashed."""

import json
import pickle
import re
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from suite.errors import SuiteError, one_line
from suite.files import atomic
from suite.models.tensor_file import content_digest, read_metadata
from suite.paths import usable

_LENGTH = 8  # bytes at a .safetensors file's beginning that say how long its header is

State = dict[str, torch.Tensor]

PICKLES = (".pt", ".pth", ".th")
WRAPPERS = ("state_dict", "model")  # keys under which checkpoints keep the state dict


@dataclass(frozen=True)
class Weights:
    """A state dict on the CPU and the text metadata stored beside it."""

    state: State
    metadata: Mapping[str, str]


def read_weights(path: Path) -> Weights:
    """Reads .safetensors, or .pt/.pth/.th without executing any of its code.

    Raises SuiteError for a missing, unreadable or refused file.
    """
    if not usable(path).is_file():
        raise SuiteError(f"no weights at {path}", "give the path of a .safetensors, .pt, .pth or .th file")
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    if path.suffix not in PICKLES:
        raise SuiteError(f"{path} is no file of weights", "give a .safetensors, .pt, .pth or .th file")
    return Weights(_state_dict(_read_pickle(path), path), {})


def write_weights(path: Path, state: Mapping[str, torch.Tensor], metadata: Mapping[str, str]) -> None:
    """Writes a .safetensors file, whole or not at all; the same tensors and metadata are the same bytes."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    data = safetensors.torch.save(tensors, dict(metadata))
    with atomic(path) as file:
        file.write(_in_order(data))


def _in_order(data: bytes) -> bytes:
    """A .safetensors file with its metadata sorted, which the library writes in another order in every process."""
    end = _LENGTH + int.from_bytes(data[:_LENGTH], "little")
    header = json.loads(data[_LENGTH:end])
    header["__metadata__"] = dict(sorted(header.get("__metadata__", {}).items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % _LENGTH)  # tensors begin at a multiple of 8 bytes
    return len(text).to_bytes(_LENGTH, "little") + text + data[end:]


def digest(state: Mapping[str, torch.Tensor]) -> str:
    """`content_digest` of a state dict."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    return content_digest(
        (name, str(tensor.dtype), tuple(tensor.shape), tensor.reshape(-1).view(torch.uint8).numpy().data)
        for name, tensor in tensors.items()
    )


def _read_safetensors(path: Path) -> Weights:
    try:
        return Weights(safetensors.torch.load_file(path), read_metadata(path))
    except Exception as error:  # of its own kind, or a KeyError for a type of numbers that torch has not
        raise SuiteError(f"{path} cannot be read: {one_line(error)}", "it may be truncated") from error


def _read_pickle(path: Path) -> Any:
    _check_archive(path)
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


def _check_archive(path: Path) -> None:
    """Refuses an archive whose members are more than the file: compressed, or overlapping. torch writes none such."""
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            whole = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise SuiteError(f"{path} cannot be read: {one_line(error)}", "it may be damaged") from error
    if whole > path.stat().st_size:
        raise SuiteError(
            f"{path} was refused: its members unpack to {whole} bytes, more than the file has",
            "save it with torch.save",
        )


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
