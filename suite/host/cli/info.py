"""`suite info NAME`: a study, its options and every column that it writes; or a gradient rule and its arguments."""

import inspect
import json
from collections.abc import Iterator, Mapping
from textwrap import fill
from typing import Any

import click

from suite.host.cli.fields import ConfigField, config_fields
from suite.host.cli.options import json_option, registry
from suite.host.glossary import Explained, by_meaning, explain
from suite.host.plain import plain
from suite.host.registry import Registry
from suite.host.text import text_of

WIDTH = 80


@click.command(name="info")
@click.argument("name")
@json_option()
@click.pass_context
def command(ctx: click.Context, name: str, as_json: bool) -> None:
    """Show a study's paper, options, presets and columns, or a gradient rule's arguments."""
    known = registry(ctx)
    if name in known.gradients:
        click.echo(json.dumps(_rule(name, known)) if as_json else _rule_text(name, known))
    else:
        click.echo(json.dumps(_study(name, known), allow_nan=False) if as_json else _study_text(name, known))


def _study_text(name: str, known: Registry) -> str:
    entry, module = known.study(name), known.module_of(name)
    lines = [f"{name}: {entry.question}", f"paper: {module.paper}", "", f"options (suite run {name} ...)"]
    for field in config_fields(known.config(name)):
        lines.append(f"  {field.flag} {'' if field.is_flag else field.kind}".rstrip())
        lines.append(f"      {field.help}")
        lines.append(f"      default {field.default or '(empty)'}, environment {field.variable}")
    for preset, values in entry.presets.items():
        settings = ", ".join(f"{field}={text_of(value)}" for field, value in values.items())
        lines += ["", f"preset {preset}: {settings or 'the defaults'}"]
    return "\n".join([*lines, *_glossary(explain(name, known))])


def _glossary(tables: Mapping[str, Explained]) -> Iterator[str]:
    """Tables with the names of their columns, then each column once, where tables mean the same by it."""
    if not tables:
        return
    yield from ("", "tables, and what a row of each is")
    for name, table in tables.items():
        yield _filled(f"{name}: {table.row}", "  ")
        yield _filled(", ".join(table.columns), "      ")
    yield from ("", "columns")
    for column, meaning, where in by_meaning(tables):
        of = f" (in {', '.join(where)})" if where else ""
        yield _filled(f"{column}{of}: {meaning}", "  ")
    if any(column.endswith("_low") for table in tables.values() for column in table.columns):
        yield _filled("X_low, X_high: ends of the 95 % confidence interval of X", "  ")


def _filled(text: str, indent: str) -> str:
    return fill(
        text, WIDTH, initial_indent=indent, subsequent_indent="      ", break_on_hyphens=False, break_long_words=False
    )


def _study(name: str, known: Registry) -> dict[str, Any]:
    entry, module = known.study(name), known.module_of(name)
    return {
        "study": name,
        "question": entry.question,
        "paper": module.paper,
        "options": [_option(field) for field in config_fields(known.config(name))],
        "presets": {preset: plain(values) for preset, values in entry.presets.items()},
        "tables": {table: explained._asdict() for table, explained in explain(name, known).items()},
    }


def _option(field: ConfigField) -> dict[str, Any]:
    texts = {name: getattr(field, name) for name in ("kind", "default", "description", "unit", "source")}
    return {"name": field.name, "flag": field.flag, **texts, "environment": field.variable}


def _rule_text(name: str, known: Registry) -> str:
    rule = _rule(name, known)
    return f"{name}: {rule['summary']}\n\nas typed: {rule['typed']}\n\n{rule['help']}".rstrip()


def _rule(name: str, known: Registry) -> dict[str, Any]:
    rule = known.gradient(name)
    parameters = [*inspect.signature(rule).parameters.values()][1:]  # the first one is the model
    arguments = {p.name: "..." if p.default in (p.empty, None) else text_of(p.default) for p in parameters}
    typed = ", ".join(f"{argument}={value}" for argument, value in arguments.items())
    return {
        "gradient": name,
        "summary": known.gradients[name].summary,
        "typed": f"{name}({typed})" if arguments else name,
        "arguments": arguments,
        "help": inspect.getdoc(rule) or "",
    }
