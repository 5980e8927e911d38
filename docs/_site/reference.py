"""The reference, made from the code: what `suite info` knows, as pages."""

import ast
import importlib
import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from suite import data, gradients, models
from suite.host.cli import main
from suite.host.cli.fields import config_fields
from suite.host.glossary import Explained, by_meaning, explain
from suite.host.registry import Registry
from suite.host.text import format_minutes, text_of
from suite.plugin import Module, Study

ROOT = Path(__file__).parents[2]


def pages() -> dict[str, str]:
    """Name of every generated page -> its Markdown."""
    known = Registry()
    of_modules = {f"reference/{name}.md": module_page(module, known) for name, module in known.modules.items()}
    return {
        "reference/index.md": studies_page(known),
        **of_modules,
        "reference/rules.md": rules_page(known),
        "reference/models.md": models_page(),
        "reference/data.md": data_page(),
        "reference/commands.md": commands_page(),
        "reference/errors.md": errors_page(),
        "reference/api.md": API,
    }


def studies_page(known: Registry) -> str:
    """All studies of all modules in one table."""
    rows = [
        (f"[`{name}`]({name.partition('.')[0]}.md#{anchor(name)})", study.question)
        for name, study in known.studies.items()
    ]
    intro = "Made from the code by `make docs`; `suite info NAME` prints the same for your installed version."
    return "\n".join(["# Reference", "", intro, "", "## Studies", "", *table(("study", "question"), rows), ""])


def module_page(module: Module, known: Registry) -> str:
    """A module: its paper, and each of its studies."""
    lines = [f"# {module.name}", "", module.summary, "", f"Paper: {module.paper}.", ""]
    for short, study in known.studies_of(module.name).items():
        lines += study_lines(f"{module.name}.{short}", study, known)
    return "\n".join(lines)


def study_lines(name: str, study: Study, known: Registry) -> Iterator[str]:
    """A study: options, presets, what it writes."""
    config = known.config(name)
    yield from (f"## {name} {{ #{anchor(name)} }}", "", study.question, "", inspect.getdoc(config) or "", "")
    yield from ("```sh", f"suite run {name}", "```", "", "### Options of " + name, "")
    options = [
        (f"`{field.flag}`", f"`{field.default}`" if field.default else "empty", field.help)
        for field in config_fields(config)
    ]
    yield from (*table(("option", "default", "meaning"), options), "", "### Presets of " + name, "")
    presets = [
        (
            f"`{preset}`",
            cost_text(study, preset),
            ", ".join(f"`{key}={text_of(value)}`" for key, value in values.items()),
        )
        for preset, values in study.presets.items()
    ]
    yield from (*table(("preset", "takes, on one core", "sets"), presets), "")
    yield from glossary_lines(name, explain(name, known))
    figures = [(f"`{key}`", first_paragraph(text)) for key, text in public_functions(study.figures)]
    if figures:
        yield from (f"### Figures of {name}", "", *table(("name", "shows"), figures), "")


def glossary_lines(name: str, tables: Mapping[str, Explained]) -> Iterator[str]:
    """What a study writes: its tables with their columns, and what each column means."""
    rows = [(f"`{key}`", one.row, ", ".join(f"`{column}`" for column in one.columns)) for key, one in tables.items()]
    yield from (f"### Tables of {name}", "", *table(("table", "a row is", "columns"), rows), "")
    meanings = [
        (f"`{column}`", ", ".join(f"`{key}`" for key in where) or "all", meaning)
        for column, meaning, where in by_meaning(tables)
    ]
    yield from (f"### Columns of {name}", "", INTERVALS, "", *table(("column", "in", "means"), meanings), "")


def rules_page(known: Registry) -> str:
    """Every gradient rule with its arguments."""
    lines = ["# Gradient rules", "", RULES, ""]
    for name, target in known.gradients.items():
        rule = known.gradient(name)
        arguments = [*inspect.signature(rule).parameters.values()][1:]  # the first one is the model
        typed = ", ".join(
            f"{one.name}={'...' if one.default in (one.empty, None) else one.default}" for one in arguments
        )
        lines += [f"## {name}", "", f"{target.summary[:1].upper()}{target.summary[1:]}.", ""]
        lines += ["```python", f"from {_home(target.target, name)} import {name}", "```", ""]
        lines += ["As typed: " + (f"`{name}({typed})`" if typed else f"`{name}`"), ""]
        lines += [
            f"::: {rule.__module__}.{rule.__name__}",
            "    options: { show_root_heading: false, show_root_toc_entry: false, heading_level: 3 }",
            "",
        ]
    return "\n".join(lines)


def _home(target: str, name: str) -> str:
    """Where to import a rule from: suite.gradients, if it is there."""
    return "suite.gradients" if hasattr(gradients, name) else target.partition(":")[0]


def models_page() -> str:
    """The zoo."""
    rows = [(f"`{row.name}`", row.summary, f"`{row.linbp_start}`", row.paper) for row in models.describe()]
    head = ("name", "what", "LinBP starts at", "source")
    return "\n".join(["# Models of the zoo", "", ZOO, "", *table(head, rows), ""])


def data_page() -> str:
    """The data sets."""
    rows = [(f"`{row.name}`", row.summary) for row in data.describe()]
    return "\n".join(["# Data sets", "", DATA, "", *table(("reference", "what"), rows), ""])


def commands_page() -> str:
    """Every verb of the command line with its help."""
    root = click.Context(main, info_name="suite")
    lines = ["# Commands", "", f"{inspect.cleandoc(main.help or '')}", ""]
    for verb in main.list_commands(root):
        command = main.get_command(root, verb)
        assert command is not None
        lines += [f"## suite {verb}", "", "```text", command.get_help(click.Context(command, root, verb)), "```", ""]
        if isinstance(command, click.Group) and verb != "run":
            parent = click.Context(command, root, verb)
            for below in command.list_commands(parent):
                inner = command.get_command(parent, below)
                assert inner is not None
                help_text = inner.get_help(click.Context(inner, parent, below))
                lines += [f"### suite {verb} {below}", "", "```text", help_text, "```", ""]
    return "\n".join(lines)


def errors_page() -> str:
    """What is refused, and the remedy, by the file that says it."""
    lines = ["# Errors", "", ERRORS, ""]
    for path in sorted((ROOT / "suite").rglob("*.py")) + sorted((ROOT / "modules").rglob("*.py")):
        found = [*errors_in(path.read_text(encoding="utf-8"))]
        if found:
            lines += [f"## {path.relative_to(ROOT)}", "", *table(("error", "remedy"), found), ""]
    return "\n".join(lines)


def errors_in(source: str) -> Iterator[tuple[str, str]]:
    """What and remedy of every SuiteError that a source file makes of texts; `...` for what is filled in later."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name(id="SuiteError" | "WorkFailed"), args=[what, *rest]):
                told = text_in(what)
                if told:
                    yield told, (text_in(rest[0]) or "said with it") if rest else ""


def text_in(node: ast.expr) -> str:
    """The text of a literal, with `...` where values go; empty for anything else."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(text_in(part) if isinstance(part, ast.Constant) else "..." for part in parts)
    return ""


def public_functions(target: str | None) -> Iterable[tuple[str, str]]:
    """Name and docstring of what a study's figures make."""
    if target is None:
        return []
    own = {
        name: value
        for name, value in vars(importlib.import_module(target)).items()
        if inspect.isfunction(value) and value.__module__ == target and not name.startswith("_")
    }
    return [(name, inspect.getdoc(made) or "") for name, made in own.items()]


def cost_text(study: Study, preset: str) -> str:
    """What a preset takes, as measured; smoke is a run of about a second."""
    cost = study.costs.get(preset)
    if cost is None:
        return "about 1 s" if preset == "smoke" else "not measured"
    return format_minutes(cost.minutes) + (" of a GPU" if cost.gpu else "")


def set_text(values: Mapping[str, Any]) -> str:
    """What a preset changes."""
    return ", ".join(f"`{key}={text_of(value)}`" for key, value in values.items()) or "nothing: the defaults"


def first_paragraph(text: str) -> str:
    """Up to the first empty line, as one line."""
    return " ".join(text.partition("\n\n")[0].split())


def anchor(name: str) -> str:
    """The name of a heading in its page's address."""
    return name.replace(".", "-")


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    """A Markdown table."""
    cells = [[str(cell).replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    return [f"| {' | '.join(row)} |" for row in [list(head), ["---"] * len(head), *cells]]


INTERVALS = "`X_low` and `X_high` are the ends of the 95 % confidence interval of `X`."

RULES = (
    "A rule is a function of a model: what comes out has the same parameters and the same forward pass bit for bit, "
    "and another backward pass. Wherever a study has the option `--gradients`, rules are typed as here, and summed "
    "with `+` where they change different parts of the backward pass. `suite info RULE` shows the same."
)

ZOO = (
    "Architectures that a model reference names, with `NAME@WEIGHTS` for weights from a file. `suite models list` "
    "also shows what is trained on your machine; other forms of references are in the [guide](../guide.md#references)."
)

DATA = (
    "What `--dataset` takes. `digits` and `foolbox:NAME` come with the suite; `suite data prepare NAME` downloads "
    "a published set, and nothing else downloads. `suite data list` says which are on your machine."
)

ERRORS = (
    "Every error that you can mend is one line, `error: what (remedy)`, with exit code 2 before work and 1 during it. "
    "Here are those whose words stand in the code; `...` stands for your own input."
)

API = """# Python

The front door; [From Python](../python.md) shows it at work.

::: suite.host.front
    options:
      show_root_heading: false
      show_root_toc_entry: false
      filters: ["!^_", "!^ESTIMATE"]

## Plugins

What a study of one's own is declared with; [a module of your own](../writing-a-module.md) shows it at work.

::: suite.plugin
    options:
      heading_level: 3
      show_root_heading: false
      show_root_toc_entry: false
      members: [Module, Study, Cost, Target, StudyConfig, option]

::: suite.glossary.Table
    options: { heading_level: 3 }

## Gradient rules

[All rules](rules.md); here is what they are made with.

::: suite.gradients.compose.compose
    options: { heading_level: 3 }

::: suite.gradients.calls.rectifier_calls
    options: { heading_level: 3 }

::: modules.linbp.gradient.linear_backward
    options: { heading_level: 3 }

::: suite.gradients.rule.changing
    options: { heading_level: 3 }

## Attacks

::: suite.attacks
    options:
      heading_level: 3
      show_root_heading: false
      show_root_toc_entry: false

## Statistics

::: suite.statistics
    options:
      heading_level: 3
      show_root_heading: false
      show_root_toc_entry: false

## Claims

::: suite.claims
    options:
      heading_level: 3
      show_root_heading: false
      show_root_toc_entry: false

## Errors

::: suite.errors.SuiteError
    options:
      heading_level: 3
"""
