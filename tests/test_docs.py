"""The code in README and docs runs as printed."""

import re
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from click.testing import CliRunner

import suite.registry
from suite.cli import main

ROOT = Path(__file__).parents[1]


def blocks(name: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), re.S)


def test_readme_code_runs(capsys: pytest.CaptureFixture[str]) -> None:
    code = blocks("README.md")
    assert code
    namespace: dict[str, object] = {}
    for block in code:
        exec(compile(block, "README.md", "exec"), namespace)


def test_the_module_of_the_docs_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for block in blocks("docs/modules.md"):
        path = tmp_path / block.splitlines()[0].removeprefix("# ")
        path.parent.mkdir(exist_ok=True)
        path.write_text(block, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.split(".")[0] == "noise"]:
        monkeypatch.delitem(sys.modules, name)
    entry = EntryPoint("noise", "noise:module", "suite.modules")
    monkeypatch.setattr(suite.registry, "entry_points", lambda group: [entry])
    monkeypatch.setenv("SUITE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("SUITE_CACHE", str(tmp_path / "cache"))
    result = CliRunner().invoke(main, ["run", "noise.gaussian", "--eps", "0.2"])
    assert result.exit_code == 0, result.output
    assert "Accuracy under Gaussian noise" in result.output


@pytest.mark.parametrize(
    "name", ["README.md", "CONTRIBUTING.md", *(f"docs/{path.name}" for path in ROOT.glob("docs/*.md"))]
)
def test_links_lead_somewhere(name: str) -> None:
    page = ROOT / name
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
    assert all((page.parent / link).exists() for link in links if "://" not in link)
