"""Names that a package serves by a module-level `__getattr__` are followed to their files."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from suite.host.closure import sources_behind

Write = Callable[[Mapping[str, str]], Path]

FILES = {
    "door/host/__init__.py": "from door.host.front import load, run",
    "door/host/front.py": "def run(): ...\nload = run",
    "door/plugin.py": "class Study: ...",
    "door/rules.py": "def linear(): ...",
}
HEAD = "from importlib import import_module\nVERSION = '1'\n"

BRANCHES = """
    def __getattr__(name):
        '''On first use.'''
        if name in ("linear", "other"):
            from door import rules
            return getattr(rules, name)
        if name == "Study":
            from .plugin import Study
            return Study
        elif name in HOSTS:
            from door import host
            return getattr(host, name)
        raise AttributeError(name)
    HOSTS = frozenset({"run", "load"})
    """
GUARDS = """
    def __getattr__(key: str) -> object:
        if key not in {"run", "load"}:
            if key != "Study":
                if key != "linear":
                    raise AttributeError(key)
                import door.rules
                return door.rules.linear
            from door.plugin import Study
            return Study
        from door.host import front
        return getattr(front, key)
    """
TABLE = """
    _HOMES = {
        "run": "door.host.front:run",
        "load": ("door.host.front", "load"),
        "Study": "door.plugin",
        "linear": "rules",
    }
    def __getattr__(name):
        if name not in _HOMES:
            raise AttributeError
        return resolve(_HOMES[name])
    """
UNITED = """
    _HOMES: dict[str, str] = {
        **dict.fromkeys(("run", "load"), ".host.front"),
        "Study": "door.plugin.Study",
        "note": "text, not a module",
        "torch": "torch.nn",
    } | {"linear": ".rules"}
    def __getattr__(name):
        return getattr(import_module(_HOMES[name], __name__), name)
    """
SPELLINGS = pytest.mark.parametrize(
    "spelling", [BRANCHES, GUARDS, TABLE, UNITED], ids=["branches", "guards", "table", "united"]
)


@pytest.fixture
def behind(written: Write) -> Callable[[str, str], set[str]]:
    """Modules of `door`, with the given `__init__.py`, that some code imports."""

    def find(package: str, code: str) -> set[str]:
        folder = written({**FILES, "door/__init__.py": package, "caller.py": code})
        text = (folder / "door/__init__.py").read_text()
        (folder / "door/__init__.py").write_text(HEAD + text)
        return {*sources_behind(["caller"], {"caller", "door"})} - {"caller"}

    return find


@SPELLINGS
@pytest.mark.parametrize(
    ("code", "files"),
    [
        ("from door import Study", {"door.plugin"}),
        ("import door\ndoor.Study()", {"door.plugin"}),
        ("from door import linear", {"door.rules"}),
        ("from door import run", {"door.host.front"}),
        ("import door\ndoor.load()", {"door.host.front"}),
        ("from door import rules", {"door.rules"}),
        ("from door import VERSION", {"door"}),
        ("import door\nf(door)", {"door", "door.plugin", "door.rules", "door.host.front"}),
    ],
)
def test_a_lazy_name_leads_to_its_file(
    behind: Callable[[str, str], set[str]], spelling: str, code: str, files: set[str]
) -> None:
    assert behind(spelling, code) == files


def test_a_name_that_is_made_in_an_unknown_way_counts_the_package_and_what_it_uses(
    behind: Callable[[str, str], set[str]],
) -> None:
    package = "from door.rules import linear\nfrom door.plugin import Study\ndef __getattr__(name): return linear(name)"
    assert behind(package, "from door import anything") == {"door", "door.rules"}


def test_a_branch_for_every_name_is_followed_for_names_that_nothing_else_explains(
    behind: Callable[[str, str], set[str]],
) -> None:
    package = "def __getattr__(name):\n    from door import host\n    return getattr(host, name)"
    assert behind(package, "from door import run") == {"door.host.front"}
    assert behind(package, "from door import rules") == {"door.rules"}
