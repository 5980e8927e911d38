"""The digest of a closure: what changes it, what does not, and what a file that cannot be read says."""

import ast
import os
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from tokenize import COMMENT, DEDENT, ENCODING, ENDMARKER, INDENT, NEWLINE, NL, STRING, tokenize

import pytest

from suite.host.closure import code_digest, sources_behind
from suite.host.imports.text import plain_code

Write = Callable[[Mapping[str, str]], Path]
Digest = Callable[[Mapping[str, str]], str]

FILES = {
    "lab/__init__.py": "from lab.one import f",
    "lab/one.py": "def f():\n    return 1\n",
    "lab/two.py": "def f():\n    return 2\n",
    "guest.py": "from lab import f\n",
}


@pytest.fixture
def digest(written: Write) -> Digest:
    """The digest of the module guest and what it imports of lab, after a change of files."""
    clock = iter(range(1, 100))

    def compute(change: Mapping[str, str]) -> str:
        folder, now = written({**FILES, **change}), next(clock)
        for path in folder.rglob("*.py"):
            os.utime(path, (now, now))
        return code_digest(["guest"], {"lab", "guest"})

    return compute


@pytest.mark.parametrize(
    "change",
    [
        {"lab/one.py": "def f():\n    return 3\n"},
        {"guest.py": "from lab import f\nf()\n"},
        {"guest.py": "import lab\nlab.f\n"},
        {"lab/__init__.py": "from lab.two import f"},
        {"lab/__init__.py": "from lab.one import g as f"},
        {"lab/__init__.py": "from lab.one import f\nf()"},
        {"lab/one.py": "def f():\n    return '# 1'\n"},
    ],
)
def test_another_code_is_another_digest(digest: Digest, change: Mapping[str, str]) -> None:
    before = digest({})
    assert digest(change) != before
    assert digest({}) == before


@pytest.mark.parametrize(
    "change",
    [
        {"lab/two.py": "raise 3"},
        {"lab/__init__.py": "'''New.'''\nfrom lab.two import g\nfrom lab.one import f  # here\n__all__ = ['f', 'g']"},
        {"lab/one.py": "'''What it is.'''\n\n\ndef f():\n    '''One.'''\n\n    # why\n    return 1  # ever\n"},
        {"guest.py": "# A comment.\nfrom lab import f   \n\n"},
    ],
)
def test_other_files_comments_and_docstrings_change_nothing(digest: Digest, change: Mapping[str, str]) -> None:
    assert digest(change) == digest({})


def test_a_moved_file_is_another_digest_and_a_moved_folder_is_not(written: Write, tmp_path: Path) -> None:
    files = {"a.py": "x = 1", "b.py": "x = 1"}
    written({**files, **{f"elsewhere/{name}": text for name, text in files.items()}})
    assert code_digest(["a"], {"a"}) != code_digest(["b"], {"b"})
    with pytest.MonkeyPatch.context() as patch:
        here = code_digest(["a"], {"a"})
        patch.syspath_prepend(tmp_path / "elsewhere")
        assert sources_behind(["a"], {"a"}) == {"a": tmp_path / "elsewhere" / "a.py"}
        assert code_digest(["a"], {"a"}) == here


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("x = 1  # one\n\n\n# two\ny = 2", "x = 1\ny = 2"),
        ("'''Doc.'''\n\nx = 1\n'''About x.'''\n", "x = 1"),
        ("def f():\n    '''Doc\n    # of f.'''\n    return '#'  # !\n", "def f():\n    return '#'"),
        ("x = '''a  \n\n  # b\n'''  # c\ny = 1", "x = '''a  \n\n  # b\n'''\ny = 1"),
        ("x = f'{a}#{b!r:#x}'  # c\n", "x = f'{a}#{b!r:#x}'"),
        ("x = b'#' + rb'\\#'  # c\n", "x = b'#' + rb'\\#'"),
        ("x = (1,  # a\n     2)  # b\n", "x = (1,\n     2)"),
        ("@f('#')  # a\nclass A:  # b\n    '''c'''\n    x: '#' = 1 # d\n", "@f('#')\nclass A:\n    x: '#' = 1"),
        ("match a:  # b\n    case '#':  # c\n        pass\n", "match a:\n    case '#':\n        pass"),
        ("é = 'ü#'; z = 'ß'  # ö\n", "é = 'ü#'; z = 'ß'"),
        ("def f(a='#', *, b='#'):  # c\n    if a: '#'; g('#')  # d", "def f(a='#', *, b='#'):\n    if a: ; g('#')"),
        ("try: ...  # a\nexcept E('#'): ...  # b", "try: ...\nexcept E('#'): ..."),
    ],
)
def test_comments_and_docstrings_are_cut_out_and_other_texts_stay(text: str, plain: str) -> None:
    assert plain_code(text, ast.parse(text)).decode() == plain


def test_what_is_left_of_all_of_suite_are_the_tokens_of_its_code() -> None:
    files = sorted((Path(__file__).parents[2] / "suite").rglob("*.py"))
    assert len(files) > 100
    for path in files:
        text = path.read_text()
        assert _tokens(plain_code(text, ast.parse(text))) == _tokens(text.encode()), path


def _tokens(code: bytes) -> list[str]:
    """The tokens of code, but for comments, line ends, indents, and texts that are statements of their own."""
    found = [token for token in tokenize(BytesIO(code).readline) if token.type not in (COMMENT, NL, INDENT, DEDENT)]
    alone = [
        token.type == STRING and before.type in (NEWLINE, ENCODING) and after.type in (NEWLINE, ENDMARKER)
        for before, token, after in zip(found, found[1:], found[2:], strict=False)
    ]
    kept = [token for token, left_out in zip(found[1:], alone, strict=False) if not left_out]
    return [token.string for token in kept if token.type != NEWLINE]
