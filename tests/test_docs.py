"""Code in README and docs/python.md runs as printed, links lead somewhere; tests/scaffold runs writing-a-module.md."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def blocks(name: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), re.S)


@pytest.mark.parametrize("page", ["README.md", "docs/python.md"])
def test_code_runs(page: str, workplace: Path) -> None:
    code = blocks(page)
    assert code
    namespace: dict[str, object] = {"__name__": "page"}
    for block in code:
        exec(compile(block, page, "exec"), namespace)


@pytest.mark.parametrize(
    "name", ["README.md", "CONTRIBUTING.md", *(f"docs/{path.name}" for path in ROOT.glob("docs/*.md"))]
)
def test_links_lead_somewhere(name: str) -> None:
    page = ROOT / name
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
    assert all((page.parent / link).exists() for link in links if "://" not in link)
