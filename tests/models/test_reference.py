"""Model references as typed."""

from pathlib import Path
from typing import Any

import pytest

from suite.errors import SuiteError
from suite.models.reference import parse_reference


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("resnet20", {"kind": "zoo", "source": "resnet20", "model": "resnet20"}),
        ("wrn34(width=1)@a(b)@c.pt", {"kind": "zoo", "model": "wrn34(width=1)", "weights": Path("a(b)@c.pt")}),
        ("mlp@random(7)", {"kind": "zoo", "seed": 7, "weights": None}),
        ("import:my.net:make(width=3)@w.pt", {"kind": "import", "source": "my.net:make", "arguments": {"width": 3}}),
        ("net.py:make", {"kind": "file", "source": "make", "path": Path("net.py"), "weights": None}),
        ("/home/me@work/net.py:make(a=1)@w.pt", {"path": Path("/home/me@work/net.py"), "weights": Path("w.pt")}),
        ("resnet20@folder/net.py:make", {"kind": "zoo", "weights": Path("folder/net.py:make")}),
        ("torchvision:resnet18(weights=none)@w.pt", {"kind": "torchvision", "arguments": {"weights": "none"}}),
        ("run:linbp.train/abc/final", {"kind": "run", "source": "linbp.train/abc/final"}),
    ],
)
def test_what_a_reference_says(text: str, said: dict[str, Any]) -> None:
    found = parse_reference(text)
    assert {name: getattr(found, name) for name in said} == said


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("mlp@", "write @random"),
        ("mlp@random", "write @random"),
        ("mlp@random(-1)", "write @random"),
        ("import:net", "write import:package.module:factory"),
        ("run:a", "write run:RUN/NAME"),
        ("run:a/b@w.pt", "a stored model has its arguments and weights"),
        ("net.py:", "cannot read"),
    ],
)
def test_mistakes(text: str, told: str) -> None:
    with pytest.raises(SuiteError, match=told):
        parse_reference(text)
