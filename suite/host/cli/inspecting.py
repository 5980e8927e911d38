"""What `suite models inspect` shows of a model."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from suite.host.cli import terminal
from suite.host.cli.text import format_table

if TYPE_CHECKING:
    from suite.models.inspection import Inspection


def inspection_json(found: "Inspection") -> str:
    """All of it as one JSON object."""
    return json.dumps(asdict(found))


def inspection_text(found: "Inspection") -> str:
    """A table of rectifiers, and lines about the rest."""
    lines = [f"parameters {found.parameters:,}, multiply-adds of one image {found.macs:,}"]
    rows: list[dict[str, Any]] = [
        {
            "index": each.index,
            "start": each.start or "-",
            "in": each.path,
            "kind": each.kind,
            "shape": "x".join(map(str, each.shape)),
            "multiply-adds": each.macs,
            "behind": f"{each.behind:.1%}",
        }
        for each in found.rectifiers
    ]
    lines += [
        format_table(rows, list(rows[0]), terminal.width()) if rows else "no rectifiers: linbp changes nothing here"
    ]
    lines += [f"residual blocks: {', '.join(found.blocks) or 'none that is recognised'}"]
    lines += [f"pools: {_pairs(found.pools)}", f"attention: {_pairs(found.attention)}"]
    if rows:
        default = "not said, give start" if found.linbp_start is None else found.linbp_start
        lines += [f"linbp starts at: {default}; any index or start above will do, such as linbp(start=-1)"]
    return "\n".join(lines)


def _pairs(pairs: tuple[tuple[str, str], ...]) -> str:
    return ", ".join(f"{path or 'the model itself'} ({kind})" for path, kind in pairs) or "none"
