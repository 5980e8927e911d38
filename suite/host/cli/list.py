"""`suite list`: what the installed plugins offer."""

import json
from typing import Any

import click

from suite.host.cli.options import json_option, registry
from suite.host.cli.text import print_pairs
from suite.host.registry import Registry


@click.command(name="list")
@json_option()
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """List the studies and gradient rules of all installed modules."""
    known = registry(ctx)
    if as_json:
        click.echo(json.dumps(_offers(known)))
    else:
        _print(known)


def _offers(known: Registry) -> dict[str, Any]:
    """Modules with their studies, and gradient rules, as `--json` prints them."""
    modules = [
        {
            "module": module.name,
            "summary": module.summary,
            "paper": module.paper,
            "studies": [
                {"study": f"{module.name}.{short}", "question": study.question, "presets": [*study.presets]}
                for short, study in known.studies_of(module.name).items()
            ],
        }
        for module in known.modules.values()
    ]
    return {
        "modules": modules,
        "gradients": [{"gradient": name, "summary": rule.summary} for name, rule in known.gradients.items()],
    }


def _print(known: Registry) -> None:
    """A line for each, wrapped in a terminal."""
    for module in known.modules.values():
        studies = {f"{module.name}.{short}": study.question for short, study in known.studies_of(module.name).items()}
        click.echo(f"{module.name}: {module.summary}")
        print_pairs("", studies, _width(known))
        click.echo()
    print_pairs("gradient rules", {name: rule.summary for name, rule in known.gradients.items()}, _width(known))


def _width(known: Registry) -> int:
    """Of the longest name."""
    return max(map(len, [*known.studies, *known.gradients]))
