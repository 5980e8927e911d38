"""llms.txt: every page of the site with its address and what it is about, for programs that read."""

import re
from collections.abc import Iterable
from typing import NamedTuple

LONGEST = 240


class Described(NamedTuple):
    """A page in one line."""

    title: str
    url: str
    about: str


def described(title: str, url: str, markdown: str) -> Described:
    """A page by its title, its address in the site and the first paragraph of its text."""
    paragraphs = re.split(r"\n\s*\n", re.sub(r"^```.*?^```", "", markdown, flags=re.S | re.M))
    plain = (" ".join(part.split()) for part in paragraphs if not part.lstrip().startswith(("#", "|", "!", "-", "<")))
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", next(plain, ""))
    return Described(title, url, _sentences(text.replace("**", "").replace("*", "")))


def llms(name: str, summary: str, pages: Iterable[Described]) -> str:
    """The file: a title, a summary, and a link for each page (https://llmstxt.org)."""
    lines = [f"- [{page.title}]({page.url}): {page.about}".rstrip(":; ") for page in sorted(pages, key=_place)]
    return "\n".join([f"# {name}", "", f"> {summary}", "", "## Pages", "", *lines, ""])


def _place(page: Described) -> tuple[bool, str]:
    """The first page first, the others by folder."""
    return page.url not in ("index.html", "", "./"), page.url


def _sentences(text: str) -> str:
    """As many whole sentences as fit into a line, at least one."""
    fitting = ""
    for sentence in re.split(r"(?<=[.?!:]) (?!\()(?<!et al\. )", text):
        if fitting and len(fitting) + len(sentence) >= LONGEST:
            break
        fitting = f"{fitting} {sentence}".strip()
    return fitting
