"""Help that is whole: first sentences are not cut, and a study's help shows the values of the preset that was typed."""

import os
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import click

from suite.host.cli.options import environment_variable
from suite.host.text import text_of

WHOLE = 1000  # characters of a first sentence; click cuts at what is left of a line


class Verbs(click.Group):
    """A group whose list of commands shows the whole first sentence of each, wrapped."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, command.get_short_help_str(WHOLE)) for name, command in found if command is not None]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


class StudyCommand(click.Command):
    """A study as a command; `presets` holds what each changes, by field."""

    presets: Mapping[str, Mapping[str, Any]] = {}

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Before anything is read: `--help` comes first for click, wherever it and `--preset` stand."""
        name = _typed(args)
        for field, value in self.presets.get(name or "", {}).items():
            for parameter in self.params:
                if parameter.name == field and isinstance(parameter, click.Option):
                    parameter.show_default = f"{text_of(value) or 'empty'}, preset {name}"
        return super().parse_args(ctx, args)


def _typed(args: Sequence[str]) -> str | None:
    """The last value of `--preset` among these words, else that of its environment variable."""
    values = [after for word, after in pairwise(args) if word == "--preset"]
    values += [word.partition("=")[2] for word in args if word.startswith("--preset=")]
    return values[-1] if values else os.environ.get(environment_variable("preset"))
