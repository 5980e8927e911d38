"""Which files are behind a root: names are followed to the files that define them, and nothing is imported."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from suite.host.closure import sources_behind, why

PACKAGES = {"lab", "guest"}
Write = Callable[[Mapping[str, str]], Path]
Behind = Callable[..., set[str]]

LAB = {
    "lab/__init__.py": "",
    "lab/data/__init__.py": """
        from lab.data.catalogue import load
        from lab.data.dataset import Dataset, sample
        __all__ = ["Dataset", "load", "sample"]
        """,
    "lab/data/catalogue.py": "def load(): ...",
    "lab/data/dataset.py": "class Dataset: ...\ndef sample(): ...",
    "lab/data/folder.py": "",
}
LOAD, ALL = {"lab.data.catalogue"}, {"lab.data.catalogue", "lab.data.dataset"}


@pytest.fixture
def behind(written: Write) -> Behind:
    """Modules behind roots (the module guest, unless given) in a package lab and the given files."""

    def find(files: Mapping[str, str] | str, *roots: str) -> set[str]:
        written({**LAB, **({"guest.py": files} if isinstance(files, str) else files)})
        found = sources_behind(roots or ("guest",), PACKAGES)
        assert not PACKAGES & sys.modules.keys()
        return {*found} - {"guest"}

    return find


@pytest.mark.parametrize(
    "code",
    [
        "from lab.data import load",
        "from lab.data import load as fetch",
        "from lab import data\ndata.load()",
        "from lab import data as sets\nsets.load.cache.clear()",
        "import lab\nlab.data.load()",
        "import lab as laboratory\nlaboratory.data.load()",
        "import lab.data\nlab.data.load()",
        "import lab.data as sets\nsets.load()",
        "import lab.data.catalogue",
        "import lab.data.catalogue\nlab.data.load()",
        "from lab.data import catalogue\nprint(catalogue)",
        "from lab import data\ngetattr(data, 'load')()",
        "from lab import data\ndata.load = None",
        "from lab import data\nprint(data.__name__, data.load)",
        "def run():\n    from lab.data import load",
        "class A:\n    async def run(self):\n        with open('x'):\n            from lab.data import load",
        "try:\n    from lab.data import load\nexcept ImportError:\n    load = None",
        "try:\n    pass\nexcept ImportError:\n    from lab.data import load",
        "match 1:\n    case 1:\n        from lab.data import load",
        "while False:\n    from lab.data import load",
        "if TYPE_CHECKING:\n    from lab.data import Dataset\nelse:\n    from lab.data import load",
        "if not typing.TYPE_CHECKING:\n    from lab.data import load",
    ],
)
def test_only_the_file_that_defines_the_used_name_counts(behind: Behind, code: str) -> None:
    assert behind(code) == LOAD


@pytest.mark.parametrize(
    "code",
    [
        "from lab.data import *",
        "import lab.data",
        "from lab import data",
        "from lab import data\nprint(data)",
        "from lab import data\nother = data",
        "from lab import data\ndata.load()\nvars(data)",
        "from lab import data\nfor name in 'ab': getattr(data, name)",
        "from lab import data\ndata.__dict__['load']",
        "import lab.data as sets\ncall(sets)",
        "import lab.data\ncall(lab.data)",
        "def set():\n    global data\n    from lab import data\n    data.load()",
    ],
)
def test_a_package_in_any_other_use_stands_for_all_that_it_passes_on(behind: Behind, code: str) -> None:
    assert behind(code) == ALL


@pytest.mark.parametrize(
    "other",
    [
        "def f(data): return data",
        "def f(*data): return data",
        "f = lambda data: data",
        "def f():\n    data = 1\n    return data",
        "def f():\n    for data in g(): yield data",
        "def f():\n    with g() as (data, _): return data",
        "[data for data in range(3)]",
        "{data: 1 for x in y for data in x}",
        "class A:\n    data = 1\n    print(data)",
        "def f():\n    try: ...\n    except E as data: print(data)",
        "def f(x):\n    match x:\n        case [data, *_]: print(data)",
        "def f(x):\n    return x.data",
        "def f():\n    import json as data\n    return data",
    ],
)
def test_a_local_name_is_not_the_import(behind: Behind, other: str) -> None:
    assert behind(f"from lab import data\n{other}\ndef g(): data.load()") == LOAD


@pytest.mark.parametrize(
    "other",
    [
        "def f():\n    def g(): return data\n    return g",
        "def f(x=data): ...",
        "def f(x: data): ...",
        "[1 for data in data]",
        "class A:\n    data = 1\n    def f(self): return data",
        "@data\nclass A: ...",
        "def f():\n    nonlocal_ = [data for x in y]",
    ],
)
def test_the_import_is_seen_from_inner_scopes(behind: Behind, other: str) -> None:
    assert behind(f"from lab import data\ndata.load()\n{other}") == ALL


def test_relative_imports(behind: Behind) -> None:
    files = {
        "guest/__init__.py": "from .inner import deep",
        "guest/inner/__init__.py": "from .deep import go\nfrom ..top import up",
        "guest/inner/deep.py": "from .. import top\nfrom . import beside",
        "guest/inner/beside.py": "from ..inner import up",
        "guest/top.py": "",
    }
    assert behind(files, "guest.inner.deep") == {"guest.inner.deep", "guest.inner.beside", "guest.top"}
    assert behind(files, "guest.inner:up") == {"guest.top"}


def test_names_under_type_checking_do_not_count(behind: Behind) -> None:
    assert behind("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from lab.data import load\n") == set()
    assert (
        behind({"lab/__init__.py": "if TYPE_CHECKING:\n    from lab.data import load", "guest.py": "import lab"})
        == set()
    )


def test_texts_are_not_followed(behind: Behind) -> None:
    assert (
        behind("from importlib import import_module\nimport_module('lab.data.catalogue')\nx = 'lab.data:load'") == set()
    )


def test_a_package_counts_for_a_name_that_it_defines_and_with_it_what_it_uses_itself(behind: Behind) -> None:
    package = "from lab.data import Dataset, load\nfrom lab.data.folder import x\nTABLE = 1\ndef own(): return load()"
    files = {"lab/__init__.py": package}
    assert behind({**files, "guest.py": "from lab import own"}) == {"lab", *LOAD}
    assert behind({**files, "guest.py": "import lab\nlab.TABLE"}) == {"lab", *LOAD}
    assert behind({**files, "guest.py": "from lab import x"}) == {"lab.data.folder"}
    assert behind({**files, "guest.py": "from lab import *"}) == {"lab", "lab.data.folder", *ALL}


@pytest.mark.parametrize(
    "statement",
    ["load()", "os.environ['A'] = '1'", "torch.backends.x = True", "for x in y: ...", "with a: ...", "assert load",
     "if a:\n    load()", "try:\n    import a\nexcept ImportError:\n    load()"],
)  # fmt: skip
def test_a_package_that_acts_on_import_counts_for_whoever_runs_it(behind: Behind, statement: str) -> None:
    acting = {"lab/__init__.py": f"from lab.data import load\n{statement}"}
    assert behind({**acting, "guest.py": "import lab.data.folder"}) == {"lab", "lab.data.folder", *LOAD}
    assert behind({**acting, "guest.py": "from lab.data import sample"}) == {"lab", "lab.data.dataset", *LOAD}


@pytest.mark.parametrize(
    "statement",
    ["'''Text.'''", "...", "__all__ = ['load']", "__all__ += ['x']", "study = Study(load)", "a, *b = load()",
     "a: int = 1", "def f(): load()", "class A:\n    load()", "if TYPE_CHECKING:\n    load()", "if a:\n    import b",
     "try:\n    import a\nexcept ImportError:\n    a = 1", "import lab.data", "del load",
     "if __name__ == '__main__':\n    load()", "def __getattr__(name):\n    from lab.data import sample"],
)  # fmt: skip
def test_a_package_that_only_defines_does_not_count_for_what_is_below_it(behind: Behind, statement: str) -> None:
    quiet = {"lab/__init__.py": f"from lab.data import load\n{statement}"}
    assert behind({**quiet, "guest.py": "import lab.data.folder"}) == {"lab.data.folder"}


def test_a_study_and_its_plugin_are_not_behind_what_the_study_measures(behind: Behind) -> None:
    files = {
        "guest/__init__.py": "from lab.plugin import Module\nfrom .flip import study\nmodule = Module('guest', study)",
        "guest/flip/__init__.py": "from lab.plugin import Study\nstudy = Study('Does it flip?', measure='.measure')",
        "guest/flip/config.py": "class Config: ...",
        "guest/flip/measure.py": "from guest.flip.config import Config\nfrom ..theory import bound",
        "guest/flip/figures.py": "",
        "guest/theory.py": "",
        "lab/plugin.py": "class Study: ...\nclass Module: ...",
    }
    assert behind(files, "guest.flip.measure:measure") == {"guest.flip.measure", "guest.flip.config", "guest.theory"}
    assert behind(files, "guest:module") == {"guest.flip", "lab.plugin"}


def test_circles_end(behind: Behind) -> None:
    files = {
        "lab/__init__.py": "from lab import one\nfrom guest import back",
        "lab/one.py": "from lab import two",
        "lab/two.py": "from lab import one\nimport guest\nguest.back",
        "guest.py": "from lab import one, back",
    }
    assert behind(files) == {"lab.one", "lab.two"}


def test_names_are_followed_through_files_and_stars(behind: Behind) -> None:
    files = {
        "lab/__init__.py": "from lab.names import *",
        "lab/names.py": "from lab import data\nLOADER = data.load",
        "guest.py": "from lab.names import data\ndata.sample()",
    }
    assert behind(files) == {"lab.names", *ALL}
    assert behind({**files, "guest.py": "from lab import LOADER"}) == {"lab.names", *LOAD}


def test_a_folder_without_init_and_a_compiled_module(behind: Behind, written: Write) -> None:
    folder = written({"guest/deep/code.py": "from guest import fast\nfrom . import more", "guest/deep/more.py": ""})
    (folder / "guest" / "fast.abi3.so").write_bytes(b"\x00")
    assert behind({}, "guest.deep.code") == {"guest.deep.code", "guest.deep.more", "guest.fast"}


def test_sources_are_given_by_module(written: Write) -> None:
    folder = written({**LAB, "guest.py": "from lab.data import load"})
    expected = {"guest": folder / "guest.py", "lab.data.catalogue": folder / "lab/data/catalogue.py"}
    assert sources_behind(["guest:anything"], PACKAGES) == expected


def test_why_gives_the_shortest_chain(written: Write) -> None:
    written(
        {
            **LAB,
            "guest.py": "import lab.a\nimport lab.b",
            "lab/a.py": "import lab.c",
            "lab/b.py": "import lab.data.folder",
        }
    )
    written({"lab/c.py": "from lab.data import folder, load"})
    assert why(["guest"], PACKAGES, "lab.data.folder") == ["guest", "lab.b", "lab.data.folder"]
    assert why(["guest"], PACKAGES, "lab.data.catalogue") == ["guest", "lab.a", "lab.c", "lab.data.catalogue"]
    assert why(["guest", "lab.c"], PACKAGES, "lab.data.catalogue") == ["lab.c", "lab.data.catalogue"]
    assert why(["guest"], PACKAGES, "lab.data.dataset") == []
