"""Model references as people type them: `wrn34(width=10)@weights.pt`, `net.py:factory(width=3)@random(0)`.

Parsing only; nothing is looked up, imported or read.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast

from suite.errors import SuiteError
from suite.refs import Argument, parse_call

Kind = Literal["zoo", "run", "torchvision", "import", "file"]

_FILE = re.compile(r"(?P<path>(?:[^@(]*/.*?|[^@(/]+)\.py):(?P<rest>.*)")  # an @ in a folder's name is no weights
_PREFIXES = ("import:", "torchvision:", "run:")
_RANDOM = re.compile(r"random\((\d{1,18})\)")
_SAID = "write @random(0), or another seed, to attack weights that nobody has trained"


@dataclass(frozen=True)
class ModelReference:
    """What a model reference says.

    Args:
        text: as typed.
        kind: `zoo`: `NAME`; `run`: `run:RUN/NAME`; `torchvision`: `torchvision:NAME`; `import`:
            `import:PACKAGE.MODULE:NAME`; `file`: `PATH.py:NAME`.
        source: what stands between the kind and the brackets; for a file without its path.
        arguments: those in the brackets behind it.
        path: of a file of code.
        weights: the file behind `@`.
        seed: of weights that are random because the reference says so, `@random(SEED)`.
    """

    text: str
    kind: Kind
    source: str
    arguments: Mapping[str, Argument] = field(default_factory=dict)
    path: Path | None = None
    weights: Path | None = None
    seed: int | None = None

    @property
    def model(self) -> str:
        """The reference without its weights."""
        return self.text[: _at(self.text)].strip()


def parse_reference(text: str) -> ModelReference:
    """Reads `SOURCE`, `SOURCE(key=value,...)` and either with `@FILE` or `@random(SEED)` behind it.

    Raises SuiteError with what would be right.
    """
    at = _at(text)
    model, behind = text[:at].strip(), text[at + 1 :].strip()
    seed, weights = _weights(text, behind) if at < len(text) else (None, None)
    prefix, colon, rest = model.partition(":")
    if colon and prefix == "run":
        run, _, name = rest.rpartition("/")
        if not run or not name:
            raise SuiteError(f"cannot read {text!r}", "write run:RUN/NAME")
        if "(" in rest or at < len(text):
            raise SuiteError(
                f"cannot read {text!r}", "a stored model has its arguments and weights: write run:RUN/NAME"
            )
        return ModelReference(text, "run", rest)
    if found := _file(model):
        call = parse_call(found["rest"])
        return ModelReference(text, "file", call.name, call.arguments, Path(found["path"]), weights, seed)
    if colon and prefix in ("import", "torchvision"):
        call = parse_call(rest)
        if prefix == "import" and not all(call.name.partition(":")[::2]):
            raise SuiteError(f"cannot read {text!r}", "write import:package.module:factory")
        return ModelReference(text, cast(Kind, prefix), call.name, call.arguments, None, weights, seed)
    call = parse_call(model)
    return ModelReference(text, "zoo", call.name, call.arguments, None, weights, seed)


def _weights(text: str, behind: str) -> tuple[int | None, Path | None]:
    found = _RANDOM.fullmatch(behind)
    if found:
        return int(found[1]), None
    if not behind or re.match(r"random\b(?!\.)", behind):
        raise SuiteError(f"cannot read what stands behind @ in {text!r}", f"give a file of weights; or {_SAID}")
    return None, Path(behind)


def _file(text: str) -> re.Match[str] | None:
    return None if text.startswith(_PREFIXES) else _FILE.fullmatch(text)


def _at(text: str) -> int:
    """Where the weights begin: the first `@` outside brackets and behind the path of a file of code; else the end."""
    found = _file(text)
    depth, first = 0, len(found["path"]) if found else 0
    for position in range(first, len(text)):
        depth += (text[position] == "(") - (text[position] == ")")
        if text[position] == "@" and depth == 0:
            return position
    return len(text)
