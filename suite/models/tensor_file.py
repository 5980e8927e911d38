"""What a .safetensors file says, read without torch: its text metadata, and the digest of its tensors."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import safetensors
from safetensors import SafetensorError, safe_open

from suite.errors import SuiteError, one_line

PREFIXES = ("module.", "network.", "model.", "_orig_mod.")  # of DataParallel, our Classifier, Lightning, torch.compile

_TYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U8": "uint8",
    "BOOL": "bool",
}
"""What torch calls the types of numbers that weights have."""

Content = Iterable[tuple[str, str, tuple[int, ...], "bytes | bytearray | memoryview"]]
"""Of each tensor: name, type as torch writes it, shape, and the bytes of its values."""


def read_metadata(path: Path) -> Mapping[str, str]:
    """The text metadata of a .safetensors file; its tensors are not read."""
    try:
        with safe_open(path, "np") as file:
            return file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise SuiteError(f"{path} cannot be read: {one_line(error)}", "it may be truncated") from error


def digest_of_file(path: Path) -> str | None:
    """`content_digest` of a .safetensors file; None where it cannot be read, is empty, or has numbers of a rare type.

    A prefix that a wrapper put before all names is no part of them.
    """
    try:
        found = dict(_tensors(path))
    except (SafetensorError, OSError):
        return None
    if not found:
        return None
    while prefix := next((each for each in PREFIXES if all(name.startswith(each) for name in found)), ""):
        found = {name.removeprefix(prefix): tensor for name, tensor in found.items()}
    if not {tensor["dtype"] for tensor in found.values()} <= {*_TYPES}:
        return None
    return content_digest(
        (name, f"torch.{_TYPES[tensor['dtype']]}", tuple(tensor["shape"]), tensor["data"])
        for name, tensor in found.items()
    )


def content_digest(content: Content) -> str:
    """Sha256 over names, types, shapes and values in the order of names: the same for every file format."""
    sha = hashlib.sha256()
    for name, dtype, shape, data in sorted(content, key=lambda tensor: tensor[0]):
        sha.update(f"{name} {dtype} {shape}\n".encode())
        sha.update(data)
    return sha.hexdigest()


def seal(facts: Mapping[str, str]) -> str:
    """Sha256 over metadata without its own entry `seal`: together with the digest it tells a damaged file."""
    content = sorted((name, value) for name, value in facts.items() if name != "seal")
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def is_sealed(facts: Mapping[str, str]) -> bool:
    """Whether metadata are as they were written; weights from before there were seals still serve."""
    sealed = seal(facts)
    return facts.get("seal", sealed) == sealed


def accuracy_of(facts: Mapping[str, str]) -> float | None:
    """The accuracy in [0, 1] that metadata tells; None where it tells none."""
    try:
        accuracy = float(facts["accuracy"])
    except (KeyError, ValueError):
        return None
    return accuracy if 0 <= accuracy <= 1 else None


def _tensors(path: Path) -> list[tuple[str, dict[str, Any]]]:
    """(name, its dtype, shape and data) of each tensor."""
    tensors: list[tuple[str, dict[str, Any]]] = safetensors.deserialize(path.read_bytes())  # type: ignore[no-untyped-call]
    return tensors
