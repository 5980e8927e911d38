"""A page as one HTML file that needs nothing beside itself: templates, style and script are put into it.

Its content security policy allows the one style and the one script by their hashes, pictures that are in the page, and
nothing else: whatever a text in a run may hold, it is shown and never acts.
"""

import hashlib
from base64 import b64encode
from functools import cache
from pathlib import Path
from typing import Any

from suite.host.report.figures import FigureView
from suite.host.report.provenance import duration

REPORT = Path(__file__).parent
"""The folder of templates, style and script."""


def render(page: Any) -> str:
    """The HTML of a page (suite.host.report.pages.Page)."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(REPORT),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["drawn"] = Markup  # what suite.host.report.svg wrote is markup already
    environment.filters["duration"] = duration
    style, script = source(REPORT / "report.css"), source(REPORT / "report.js")
    policy = (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest(style)}'; "
        f"script-src 'sha256-{digest(script)}'; base-uri 'none'; form-action 'none'"
    )
    return environment.get_template("page.html.jinja").render(
        page=page, policy=policy, style=Markup(style), script=Markup(script), definitions=_definitions(page)
    )


def _definitions(page: Any) -> dict[str, str]:
    """What the page's drawings define, each thing once."""
    shown: list[FigureView] = [figure for part in (*page.runs, *page.experiments) for figure in part.figures]
    found = {name: markup for figure in shown if figure.drawing for name, markup in figure.drawing.definitions.items()}
    return dict(sorted(found.items()))


@cache
def source(file: Path) -> str:
    """A file's text, read once."""
    return file.read_text(encoding="utf-8")


def digest(text: str) -> str:
    """How a content security policy names a style or a script."""
    return b64encode(hashlib.sha256(text.encode()).digest()).decode()
