"""`suite info NAME`: a study and all its options, with where each comes from; or a gradient rule and its arguments."""

import inspect

import click

from suite.host.cli.fields import config_fields
from suite.host.cli.options import registry
from suite.host.registry import Registry
from suite.host.text import text_of


@click.command(name="info")
@click.argument("name")
@click.pass_context
def command(ctx: click.Context, name: str) -> None:
    """Show a study's paper, options and presets, or a gradient rule's arguments."""
    known = registry(ctx)
    click.echo(_rule(name, known) if name in known.gradients else _study(name, known))


def _study(name: str, known: Registry) -> str:
    entry, module, config = known.study(name), known.module_of(name), known.config(name)
    lines = [f"{name}: {entry.question}", f"paper: {module.paper}", "", f"options (suite run {name} ...)"]
    for field in config_fields(config):
        lines.append(f"  {field.flag} {'' if field.is_flag else field.kind}".rstrip())
        lines.append(f"      {field.help}")
        lines.append(f"      default {field.default or '(empty)'}, environment {field.variable}")
    for preset, values in entry.presets.items():
        settings = ", ".join(f"{field}={text_of(value)}" for field, value in values.items())
        lines += ["", f"preset {preset}: {settings or 'the defaults'}"]
    return "\n".join(lines)


def _rule(name: str, known: Registry) -> str:
    rule = known.gradient(name)
    parameters = [*inspect.signature(rule).parameters.values()][1:]  # the first one is the model
    arguments = [f"{p.name}={'...' if p.default in (p.empty, None) else p.default}" for p in parameters]
    typed = f"{name}({', '.join(arguments)})" if arguments else name
    return f"{name}: {known.gradients[name].summary}\n\nas typed: {typed}\n\n{inspect.getdoc(rule) or ''}".rstrip()
