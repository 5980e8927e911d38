"""What mkdocs calls while it builds: generated pages, links that lead out of docs/, and an index for machines."""

import re
from pathlib import Path
from posixpath import normpath, relpath
from typing import Any

import index
import reference
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]

COPIES = {
    "records/linbp.md": "modules/linbp/README.md",
    "records/pgd_dynamics.md": "modules/pgd_dynamics/README.md",
    "records/phase_transition.md": "modules/phase_transition/README.md",
    "records/lazy_regime.md": "modules/lazy_regime/README.md",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
}
"""Pages of the site that are files of the repository outside docs/."""

SITE = {source: page for page, source in COPIES.items()} | {"README.md": "index.md"}

_LINK = re.compile(r"(\]\()([^)#:\s]+)((?:#[^)\s]*)?\))")
_described: list[index.Described] = []


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the reference, made from the code, and the files of the repository that are pages."""
    pages = reference.pages() | {page: (ROOT / source).read_text(encoding="utf-8") for page, source in COPIES.items()}
    for name, text in pages.items():
        files.append(File.generated(config, name, content=text))
    return files


def on_pre_build(config: MkDocsConfig) -> None:
    """Nothing is described yet."""
    _described.clear()


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Links as they are right in the repository lead to the site's page of that file."""
    name = page.file.src_uri
    text = _LINK.sub(lambda link: link[1] + moved(link[2], name) + link[3], markdown)
    _described.append(index.described(page.title or name, page.url, text))
    return text


def on_post_build(config: MkDocsConfig) -> None:
    """llms.txt at the root of the site."""
    text = index.llms(config.site_name, config.site_description, _described)
    (Path(config.site_dir) / "llms.txt").write_text(text, encoding="utf-8")


def moved(link: str, page: str) -> str:
    """A relative link of a page, where what it leads to is another page of the site; else the link itself.

    Args:
        link: as written in the file that the page is made of.
        page: the page's name in the site.
    """
    written = COPIES.get(page, f"docs/{page}")
    target = normpath(f"{written.rpartition('/')[0] or '.'}/{link}")
    place = SITE.get(target) or (
        target.removeprefix("docs/") if page in COPIES and target.startswith("docs/") else None
    )
    return relpath(place, page.rpartition("/")[0] or ".") if place else link
