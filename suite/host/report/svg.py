"""Figures' SVG files made fit to stand in a page: nothing that acts or loads, no style, no clash of names, no bulk.

Elements and attributes that only draw are kept, all others left out. What a drawing defines for use (glyphs, markers,
clip paths) is named by its content and given apart: a page holds it once for all its figures.
"""

import hashlib
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from html import escape

from suite.errors import SuiteError
from suite.host.report.axes import as_json, comments, read_axes

_ELEMENTS = {
    "svg", "g", "path", "use", "defs", "clipPath", "rect", "circle", "ellipse", "line", "polyline", "polygon", "image",
    "linearGradient", "radialGradient", "stop", "pattern", "text", "tspan",
}  # fmt: skip
_STYLES = {
    "fill", "fill-opacity", "fill-rule", "stroke", "stroke-width", "stroke-opacity", "stroke-linejoin",
    "stroke-linecap", "stroke-dasharray", "stroke-dashoffset", "stroke-miterlimit", "opacity", "clip-path", "clip-rule",
    "font-size", "font-family", "font-style", "font-weight", "text-anchor", "image-rendering", "stop-color",
    "stop-opacity",
}  # fmt: skip
_ATTRIBUTES = _STYLES | {
    "d", "x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "rx", "ry", "width", "height", "points", "transform",
    "viewBox", "clipPathUnits", "gradientUnits", "gradientTransform", "patternUnits", "patternTransform", "offset",
    "preserveAspectRatio",
}  # fmt: skip
_PLACES = {"d", "x", "y", "width", "height", "points"}
_BEYOND = re.compile(r"(?<=\.\d\d)\d+")
_SPACES = re.compile(r"\s*([MLHVCSQTAZmlhvcsqtaz])\s*")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_PICTURE = re.compile(r"data:image/png;base64,[A-Za-z0-9+/=\s]*")
_DEPTH = 60


@dataclass(frozen=True)
class Drawing:
    """A figure ready for a page.

    content: what stands in its `<svg>`; definitions: id -> element, to be put once into the page; words: what the
    figure says in writing; width, height: as it wants to be shown, in CSS pixels; axes: as JSON for the page's script,
    or empty.
    """

    view_box: str
    width: float
    height: float
    content: str
    definitions: dict[str, str]
    words: tuple[str, ...]
    axes: str


def read_drawing(text: str) -> Drawing:
    """Raises SuiteError for what is no SVG."""
    if "<!ENTITY" in text:
        raise SuiteError("it defines entities")
    try:
        root = ET.fromstring(text, ET.XMLParser(target=ET.TreeBuilder(insert_comments=True)))
    except ET.ParseError as error:
        raise SuiteError(f"it is no SVG: {error}") from error
    if _local(root.tag) != "svg":
        raise SuiteError("it is no SVG")
    view_box = [float(part) for part in re.findall(r"-?\d+\.?\d*", root.get("viewBox", ""))]
    if len(view_box) != 4:
        raise SuiteError("it has no viewBox")
    writer = _Writer(root)
    content = "".join(writer.write(child) for child in root)
    width, height = (round(length * 96 / 72, 1) for length in view_box[2:])  # matplotlib's units are points
    box = " ".join(f"{part:g}" for part in view_box)
    axes = read_axes(root)
    told = as_json(axes) if axes else ""
    return Drawing(box, width, height, content, writer.definitions, tuple(_words(root)), told)


class _Writer:
    """Writes elements anew; what they refer to goes to `definitions` under a name of its content."""

    def __init__(self, root: ET.Element) -> None:
        self.definitions: dict[str, str] = {}
        defined = (child for defs in root.iter() if _local(defs.tag) == "defs" for child in defs)
        self._defined = {child.get("id", ""): child for child in defined}
        self._names: dict[str, str] = {}

    def write(self, element: ET.Element, depth: int = 0) -> str:
        tag = _local(element.tag)
        if tag not in _ELEMENTS or tag == "defs" or depth > _DEPTH:
            return ""
        attributes = "".join(f' {name}="{escape(value)}"' for name, value in self._attributes(element, tag))
        inner = escape(element.text or "") if tag in ("text", "tspan") else ""
        inner += "".join(self.write(child, depth + 1) for child in element)
        if tag == "g" and not attributes:
            return inner
        if tag == "use" and "href=" not in attributes:
            return ""
        return f"<{tag}{attributes}>{inner}</{tag}>" if inner else f"<{tag}{attributes}/>"

    def _attributes(self, element: ET.Element, tag: str) -> list[tuple[str, str]]:
        found: dict[str, str] = {}
        for name, value in element.items():
            local = _local(name)
            if local == "style":
                found |= {key: self._local_urls(text) for key, text in _styles(value) if key in _STYLES}
            elif local == "href":
                found["href"] = self._target(value, tag)
            elif local in _ATTRIBUTES:
                found[local] = self._local_urls(_short(value) if local in _PLACES else value)
        return [(name, value) for name, value in found.items() if value]

    def _target(self, value: str, tag: str) -> str:
        if value.startswith("#"):
            name = self._name(value[1:])
            return f"#{name}" if name else ""
        return value if tag == "image" and _PICTURE.fullmatch(value) else ""

    def _local_urls(self, value: str) -> str:
        """The value with its references renamed; empty where one leads out of the drawing."""
        if "url" not in value.lower():
            return value
        match = _REFERENCE.fullmatch(value.strip())
        name = self._name(match[1]) if match else ""
        return f"url(#{name})" if name else ""

    def _name(self, identity: str) -> str:
        """The page-wide name of a definition: a hash of what it is. Empty where there is none, or it holds itself."""
        if identity in self._names or identity not in self._defined:
            return self._names.get(identity, "")
        self._names[identity] = ""
        content = self.write(self._defined[identity])
        if content:
            name = "s" + hashlib.sha256(content.encode()).hexdigest()[:10]
            tag = _local(self._defined[identity].tag)
            self._names[identity], self.definitions[name] = name, content.replace(f"<{tag}", f'<{tag} id="{name}"', 1)
        return self._names[identity]


def _styles(text: str) -> list[tuple[str, str]]:
    pairs = [part.partition(":") for part in text.split(";")]
    return [(name.strip(), value.strip()) for name, _, value in pairs]


def _short(value: str) -> str:
    """Two decimals of a point are enough to print."""
    return _SPACES.sub(r"\1", _BEYOND.sub("", " ".join(value.split())))


def _words(root: ET.Element) -> list[str]:
    """Titles, labels and names in the figure, each once: matplotlib notes them beside the glyphs it draws."""
    written = [(element.text or "").strip() for element in root.iter() if _local(element.tag) in ("text", "tspan")]
    return [
        word for word in dict.fromkeys([*comments(root), *written]) if re.search(r"[A-Za-z]", word) and "\\" not in word
    ]


def _local(name: object) -> str:
    return name.rpartition("}")[2] if isinstance(name, str) else ""
