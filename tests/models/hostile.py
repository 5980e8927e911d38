"""Files of weights that want something, made from a seed; `python tests/models/hostile.py FOLDER` writes them."""

import json
import pickle
import random
import struct
import sys
import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import safetensors.torch
import torch

State = dict[str, torch.Tensor]

FLIPS = 12  # files with damaged bytes, of each format


def good() -> State:
    """The state of `two-layer(width=4)` for 8 x 8 images of 10 classes."""
    shapes = {"fc1.weight": (4, 64), "fc1.bias": (4,), "fc2.weight": (10, 4), "fc2.bias": (10,)}
    return {name: torch.ones(shape) for name, shape in shapes.items()}


def _odd(change: Callable[[torch.Tensor], torch.Tensor]) -> State:
    return {**good(), "fc1.weight": change(good()["fc1.weight"])}


def _states() -> Iterator[tuple[str, object]]:
    yield "sparse", _odd(lambda w: w.to_sparse())
    yield "csr", _odd(lambda w: w.to_sparse_csr())
    yield "meta", _odd(lambda w: w.to("meta"))
    yield "complex", _odd(lambda w: w.to(torch.complex64))
    yield "int64", _odd(lambda w: w.long())
    yield "bool", _odd(lambda w: w.bool())
    yield "quantised", _odd(lambda w: torch.quantize_per_tensor(w, 0.1, 0, torch.qint8))
    yield "nan", _odd(lambda w: w * torch.nan)
    yield "expanded", _odd(lambda w: torch.ones(1).expand(10**6, 10**6))
    yield "scalar", _odd(lambda w: torch.ones(()))
    yield "more", {**good(), **{f"n{index}": torch.ones(1) for index in range(2_000)}}
    yield "long_name", {**good(), "x" * 1_000_000: torch.ones(1)}
    yield "lists", {"state_dict": [1, 2, 3]}
    deep: object = {}
    for _ in range(100):
        deep = {"state_dict": deep}
    yield "nested", deep


def _pickles() -> Iterator[tuple[str, bytes]]:
    big = 10**13
    yield "allocates", b"\x80\x02cbuiltins\nbytearray\n\x8a\x06" + big.to_bytes(6, "little") + b"\x85R."
    yield "unicode", b"\x80\x02X\xff\xff\xff\x7fabc."
    yield "deep_tuples", b"\x80\x02" + b"(" * 100_000 + b"t" * 100_000 + b"."
    yield "empty", b""
    yield "text", b"hello " * 100
    yield "calls", pickle.dumps(print)


def _archives() -> Iterator[tuple[str, bytes]]:
    for name, kind in (("bomb", zipfile.ZIP_DEFLATED), ("nothing", zipfile.ZIP_STORED)):
        buffer = BytesIO()
        with zipfile.ZipFile(buffer, "w", kind) as archive:
            archive.writestr("archive/data.pkl", bytes(10_000_000) if name == "bomb" else b"")
        yield name, buffer.getvalue()


def _headers() -> Iterator[tuple[str, bytes]]:
    def file(header: object, body: bytes = b"") -> bytes:
        text = header if isinstance(header, bytes) else json.dumps(header).encode()
        return struct.pack("<Q", len(text)) + text + body

    one = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
    yield "long", struct.pack("<Q", 2**63) + b"{}"
    yield "zero", struct.pack("<Q", 0)
    yield "brackets", file(b"[" * 1_000_000)
    yield "objects", file(b'{"a":' * 100_000)
    yield "overlap", file({"a": one, "b": one}, bytes(4))
    yield "outside", file({"a": {**one, "data_offsets": [0, 2**40]}}, bytes(4))
    yield "backwards", file({"a": {**one, "data_offsets": [4, 0]}}, bytes(4))
    yield "overflow", file({"a": {**one, "shape": [2**40, 2**40]}}, bytes(4))
    yield "negative", file({"a": {**one, "shape": [-1]}}, bytes(4))
    yield "type", file({"a": {**one, "dtype": "F99"}}, bytes(4))
    yield "small_floats", file({"a": {"dtype": "F4", "shape": [2], "data_offsets": [0, 1]}}, bytes(1))
    yield "metadata", file({"__metadata__": {"a": [1]}, "a": one}, bytes(4))
    yield "not_utf8", file(b'{"\xff":1}')


def hostile(seed: int = 0) -> Iterator[tuple[str, bytes]]:
    """Names of files, with their suffix, and their contents."""
    for name, state in _states():
        buffer = BytesIO()
        torch.save(state, buffer)
        yield f"{name}.pt", buffer.getvalue()
    for suffix, found in (("pt", _pickles()), ("pth", _archives()), ("safetensors", _headers())):
        for name, content in found:
            yield f"{name}.{suffix}", content
    yield from _damaged(random.Random(seed))


def _damaged(draw: random.Random) -> Iterator[tuple[str, bytes]]:
    """Good files whose structure has bytes changed or missing; numbers alone would be other weights, not an error."""
    buffer = BytesIO()
    torch.save(good(), buffer)
    for suffix, content in (("pt", buffer.getvalue()), ("safetensors", safetensors.torch.save(good()))):
        for index in range(FLIPS):
            damaged = bytearray(content[: draw.randrange(len(content))])
            for _ in range(8):
                if damaged:
                    damaged[draw.randrange(len(damaged))] = draw.randrange(256)
            yield f"damaged_{index}.{suffix}", bytes(damaged)


if __name__ == "__main__":
    for name, content in hostile():
        Path(sys.argv[1], name).write_bytes(content)
