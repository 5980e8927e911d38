"""Pages as HTML, under the policy of the reports: one style, one script, and nothing from elsewhere."""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from suite.host.report.provenance import duration
from suite.host.report.render import REPORT, digest, source

_HERE = Path(__file__).parent


def page(name: str, status: int = 200, **content: Any) -> HTMLResponse:
    """A whole page from a template of that name, with the header that allows what is in it."""
    style = source(REPORT / "report.css") + source(_HERE / "view.css")
    script = source(REPORT / "report.js") + source(_HERE / "view.js")
    policy = (
        f"default-src 'none'; img-src data:; connect-src 'self'; style-src 'sha256-{digest(style)}'; "
        f"script-src 'sha256-{digest(script)}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    html = _environment().get_template(name).render(content, style=Markup(style), script=Markup(script))
    return HTMLResponse(html, status, {"Content-Security-Policy": policy})


def part(name: str, **content: Any) -> str:
    """A part of a page."""
    return _environment().get_template(name).render(content)


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader([_HERE, REPORT]), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    made.filters["drawn"] = Markup  # what suite.host.report.svg wrote is markup already
    made.filters["duration"] = duration
    return made
