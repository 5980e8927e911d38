"""SVG files made fit for a page: what only draws is kept as it is, what acts, loads or clashes is not there."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from suite.errors import SuiteError
from suite.figures import panels
from suite.host.report.svg import Drawing, read_drawing

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 72 36">'


def drawing(inner: str) -> Drawing:
    return read_drawing(f"{HEAD}{inner}</svg>")


def shapes(markup: str) -> list[tuple[str, dict[str, str]]]:
    """Every element of some markup, its attributes."""
    found = list(ET.fromstring(f"<svg>{markup}</svg>").iter())[1:]
    return [(element.tag, dict(element.attrib)) for element in found]


def test_what_draws_is_kept_and_its_style_becomes_attributes() -> None:
    made = drawing('<g id="axes"><path d="M 0 0.123456 \n L 10 -20.987 z" style="fill: none; stroke: #0072b2"/></g>')
    assert shapes(made.content) == [("path", {"d": "M0 0.12L10 -20.98z", "fill": "none", "stroke": "#0072b2"})]
    assert (made.view_box, made.width, made.height) == ("0 0 72 36", 96.0, 48.0)  # points as CSS pixels


@pytest.mark.parametrize(
    "inner",
    [
        "<script>window.hacked = 1</script>",
        '<style>@import "https://example.org/x.css"; * {fill: red}</style>',
        '<foreignObject><body onload="hack()"/></foreignObject>',
        '<a href="javascript:hack()"><set attributeName="href" to="javascript:hack()"/></a>',
        '<image xlink:href="https://example.org/x.png"/>',
        '<image href="data:image/svg+xml;base64,PHN2Zz4="/>',
        '<image href="data:image/png;base64,AAAA&quot; onerror=&quot;hack()"/>',
        '<use xlink:href="https://example.org/x.svg#a"/>',
        '<use xlink:href="#nowhere"/>',
        '<path d="M0 0" onclick="hack()"/>',
        '<path d="M0 0" style="fill: url(https://example.org/x); background: url(javascript:hack())"/>',
        '<path d="M0 0" clip-path="URL(https://example.org/x)"/>',
        "<!-- --><title>&lt;script&gt;</title>",
        '<g id="x"><defs><pattern id="p"><script>hack()</script></pattern></defs></g>',
    ],
)
def test_what_acts_or_loads_is_left_out(inner: str) -> None:
    made = drawing(inner)
    markup = made.content + "".join(made.definitions.values())
    assert not re.search(r"hack|script|example|@import|javascript|\son\w+=|style", markup, re.IGNORECASE)


def test_pictures_are_kept_whatever_letters_they_are_made_of() -> None:
    """Pixels in base64 may well spell what begins a reference."""
    pixels = "data:image/png;base64,iVBORurl0KGgoURLAAA="
    made = drawing(f'<image xlink:href="{pixels}" width="3"/>')
    assert shapes(made.content) == [("image", {"href": pixels, "width": "3"})]


def test_texts_are_escaped_again() -> None:
    made = drawing('<text x="1">&lt;script&gt;</text><path d="M0 0" fill="&quot;&gt;&lt;script&gt;"/>')
    assert "<script" not in made.content
    assert shapes(made.content)[1][1]["fill"] == '"><script>'


def test_definitions_are_named_by_their_content() -> None:
    """Two figures that call different things by one name do not clash; the same thing is there once."""
    glyph, other = (f'<defs><path id="a" d="M0 {n}L1 1"/></defs><use xlink:href="#a" x="3"/>' for n in (1, 2))
    first, second, third = drawing(glyph), drawing(other), drawing(f'<g id="figure">{glyph}</g>')
    assert first.definitions.keys() & second.definitions.keys() == set()
    assert first.definitions == third.definitions
    ((name, markup),) = first.definitions.items()
    assert shapes(markup) == [("path", {"id": name, "d": "M0 1L1 1"})]
    assert shapes(first.content) == [("use", {"href": f"#{name}", "x": "3"})]


def test_clip_paths_follow_their_names() -> None:
    made = drawing('<path d="M0 0" clip-path="url(#c)"/><defs><clipPath id="c"><rect width="3"/></clipPath></defs>')
    ((name, _),) = made.definitions.items()
    assert shapes(made.content) == [("path", {"d": "M0 0", "clip-path": f"url(#{name})"})]


def test_a_definition_that_holds_itself_ends() -> None:
    drawing('<defs><g id="a"><use xlink:href="#a"/><path d="M0 0"/></g></defs><use xlink:href="#a"/>')
    drawing("<g>" * 500 + "</g>" * 500)


@pytest.mark.parametrize("text", ["", "no SVG", "<svg", "<html></html>", HEAD.replace("viewBox", "box") + "</svg>"])
def test_what_is_no_drawing_is_refused(text: str) -> None:
    with pytest.raises(SuiteError):
        read_drawing(text)


def test_entities_are_refused() -> None:
    with pytest.raises(SuiteError, match="entities"):
        read_drawing(f'<!DOCTYPE svg [<!ENTITY a "aaaa">]>{HEAD}<text>&a;</text></svg>')


def test_a_figure_of_matplotlib(tmp_path: Path) -> None:
    figure, (axes,) = panels()
    axes.plot([0, 1], [0, 1], label="a < b & c")
    axes.set(xlabel="step", title="<script>alert(1)</script>")
    axes.legend()
    figure.savefig(tmp_path / "figure.svg")
    text = (tmp_path / "figure.svg").read_text()
    made = read_drawing(text)
    assert {"step", "a < b & c", "<script>alert(1)</script>"} <= set(made.words)
    assert "0.0" not in made.words  # ticks say little without the picture
    assert len(made.content) + sum(map(len, made.definitions.values())) < 0.8 * len(text)
    uses = [attributes["href"][1:] for tag, attributes in shapes(made.content) if tag == "use"]
    assert uses and set(uses) <= made.definitions.keys()
    paths = [attributes for tag, attributes in shapes(made.content) if tag == "path" and attributes.get("d")]
    assert "#1f77b4" in {attributes.get("stroke") for attributes in paths}
