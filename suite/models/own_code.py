"""Code of the user's: imported, called under a fixed seed, and its failures told apart from a Ctrl-C."""

import importlib
import importlib.util
import random
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import numpy as np
import torch

from suite.errors import SuiteError, one_line
from suite.paths import usable


def import_named(name: str, ref: str) -> ModuleType:
    """The module of that name, which is looked for in the working directory too.

    Raises SuiteError whatever its code raises.
    """
    with importable(Path.cwd()), users_code(f"cannot import {name} of {ref!r}"):
        return importlib.import_module(name)


def import_file(path: Path, ref: str) -> ModuleType:
    """The module in a file, executed anew; modules beside the file can be imported by it.

    Raises SuiteError where there is no such file, and whatever its code raises.
    """
    if not usable(path).is_file():
        raise SuiteError(f"no file {path} of {ref!r}", "write PATH.py:factory")
    path = path.absolute()
    name = f"_{path.stem}_{sha256(str(path).encode()).hexdigest()[:12]}"  # no other module's, and the same each time
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    with importable(path.parent), users_code(f"cannot run {path} of {ref!r}"):
        return _executed(spec)


def executed_again(module: ModuleType) -> ModuleType:
    """A module like this one, made by executing its code once more; imports find the first one as before."""
    assert module.__spec__ is not None
    try:
        return _executed(module.__spec__)
    finally:
        sys.modules[module.__name__] = module


@contextmanager
def importable(folder: Path) -> Iterator[None]:
    """Within the block, modules in the folder can be imported, before all others."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Within the block the generators of torch, numpy and Python draw from the seed; after it they are as before."""
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []
    ours, theirs = random.getstate(), np.random.get_state()  # noqa: NPY002 - what the user's code may draw from
    with torch.random.fork_rng(devices):
        torch.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002
        try:
            yield
        finally:
            random.setstate(ours)
            np.random.set_state(theirs)  # noqa: NPY002


@contextmanager
def users_code(what: str, *, only_exits: bool = False) -> Iterator[None]:
    """Whatever code of the user's raises in the block, an exit too, becomes a SuiteError that begins with `what`.

    Ctrl-C still stops: only a KeyboardInterrupt that no signal has sent is the code's own.

    Args:
        only_exits: let other exceptions pass, which do not end the program.
    """
    with _interrupts() as pressed:
        try:
            yield
        except SuiteError:
            raise
        except KeyboardInterrupt as error:
            if pressed():
                raise
            raise SuiteError(f"{what}: it raised KeyboardInterrupt") from error
        except SystemExit as error:
            raise SuiteError(f"{what}: it ended the program, {one_line(error)}") from error
        except Exception as error:
            if only_exits:
                raise
            raise SuiteError(f"{what}: {one_line(error)}") from error


@contextmanager
def _interrupts() -> Iterator[Callable[[], bool]]:
    """Gives a function that says whether the process was interrupted within the block."""
    before = signal.getsignal(signal.SIGINT)
    if not callable(before) or threading.current_thread() is not threading.main_thread():
        yield lambda: False  # signals are handled in the main thread, and only by a function of Python
        return
    handle, pressed = before, threading.Event()

    def note(number: int, frame: object) -> None:
        pressed.set()
        handle(number, frame)  # type: ignore[arg-type]

    signal.signal(signal.SIGINT, note)
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, before)


def _executed(spec: ModuleSpec) -> ModuleType:
    module = importlib.util.module_from_spec(spec)
    assert spec.loader is not None
    sys.modules[spec.name] = module  # pickle, dataclasses and inspect look there
    spec.loader.exec_module(module)
    return module
