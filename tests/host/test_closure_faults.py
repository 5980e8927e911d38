"""What cannot be read, and what is not there, is named with its file and line."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from suite.errors import SuiteError
from suite.host.closure import code_digest, sources_behind

Write = Callable[[Mapping[str, str]], Path]


@pytest.mark.parametrize(
    ("files", "where"),
    [
        ({"guest.py": "import os\n\nimport lab.absent\n"}, "guest.py, line 3: there is no module lab.absent"),
        ({"guest.py": "def f():\n    from lab.absent import x\n"}, "guest.py, line 2: there is no module lab.absent"),
        ({"guest.py": "from lab import passed"}, "lab/__init__.py, line 2: there is no module lab.gone"),
        (
            {"guest.py": "from lab.one import x\nfrom lab.one.below import x"},
            "line 2: there is no module lab.one.below",
        ),
        (
            {"guest.py": "from lab.bare import x", "lab/bare/a.py": ""},
            "guest.py, line 1: there is no module lab.bare.x",
        ),
        ({"guest.py": "from lab import one", "lab/one.py": "x = 1\ny = = 2\n"}, "lab/one.py, line 2: invalid syntax"),
        ({"guest.py": "\n\nfrom ...lab import x"}, "guest.py, line 3: a relative import beyond the top-level package"),
        ({}, "there is no module guest"),
    ],
)
def test_the_file_and_the_line_are_named(written: Write, files: Mapping[str, str], where: str) -> None:
    written({"lab/__init__.py": "'''Lab.'''\nfrom lab.gone import passed", "lab/one.py": "", **files})
    with pytest.raises(SuiteError) as error:
        sources_behind(["guest"], {"lab", "guest"})
    assert where in error.value.what


@pytest.mark.parametrize(
    ("content", "where"),
    [
        (b"x = 1\ny = '\xff'\n", "line 2: invalid start byte"),
        (b"\x00", "null bytes"),
        (b"# coding: none-such\n", "line 1"),
    ],
)
def test_a_file_that_is_no_text(written: Write, content: bytes, where: str) -> None:
    (written({}) / "guest.py").write_bytes(content)
    with pytest.raises(SuiteError, match=r"guest\.py") as error:
        code_digest(["guest"], {"guest"})
    assert where in str(error.value)


def test_a_root_must_belong_to_the_packages(written: Write) -> None:
    written({"guest.py": ""})
    with pytest.raises(SuiteError, match="'guest:f' is in none of the packages lab, suite"):
        sources_behind(["guest:f"], {"suite", "lab"})


@pytest.mark.parametrize("error", ["ImportError", "ModuleNotFoundError", "(OSError, ImportError)", "Exception", ""])
def test_a_file_may_go_on_without_a_module(written: Write, error: str) -> None:
    code = f"try:\n    import lab.absent\n    from lab import gone\nexcept {error}:\n    pass"
    written({"guest.py": code, "lab/__init__.py": "from lab.absent import gone"})
    assert [*sources_behind(["guest"], {"lab", "guest"})] == ["guest"]


def test_an_edited_file_is_read_anew(written: Write) -> None:
    written({"guest.py": "x = 1", "lab.py": ""})
    assert [*sources_behind(["guest"], {"lab", "guest"})] == ["guest"]
    written({"guest.py": "x = 1\nimport lab"})
    assert [*sources_behind(["guest"], {"lab", "guest"})] == ["guest", "lab"]
