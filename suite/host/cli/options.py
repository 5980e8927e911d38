"""How every option is declared: with its environment variable, `SUITE_<OPTION>`."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from suite.host.registry import Registry
from suite.paths import runs_root

Command = TypeVar("Command", bound=Callable[..., Any])


MOST_JOBS = 10_000  # of a cluster; of one machine as many as its cores bear (suite.host.executors.choice)
MOST_MINUTES = 366 * 24 * 60


class Minutes(click.FloatRange):
    """Minutes, from none to a year's; NaN, which is on neither side of a bound, is none."""

    def __init__(self) -> None:
        super().__init__(0, MOST_MINUTES)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        minutes = float(super().convert(value, param, ctx))
        if math.isnan(minutes):
            self.fail(f"{value!r} is no number of minutes", param, ctx)
        return minutes


def environment_variable(name: str) -> str:
    """`step_size` or `--step-size` -> `SUITE_STEP_SIZE`."""
    return "SUITE_" + name.strip("-").replace("-", "_").upper()


def option(name: str, *more: str, **settings: Any) -> Callable[[Command], Command]:
    """`click.option` with the environment variable that belongs to it."""
    flag = name.partition("/")[0]
    return click.option(name, *more, envvar=environment_variable(flag), show_envvar=True, **settings)


def runs_option() -> Callable[[Command], Command]:
    """`--runs`: where run directories are."""
    return option(
        "--runs",
        type=click.Path(path_type=Path),
        default=runs_root,
        show_default="./runs",
        help="Folder of run directories.",
    )


def runs_here_option() -> Callable[[Command], Command]:
    """`--runs` after a verb of `suite runs`, where it is as likely to be typed as before it."""
    return click.option(
        "--runs",
        type=click.Path(path_type=Path),
        default=lambda: click.get_current_context().obj,
        help="Folder of run directories.",
    )


def device_option() -> Callable[[Command], Command]:
    """`--device`: where the work happens."""
    return option(
        "--device",
        default="auto",
        show_default=True,
        metavar="auto|cpu|cuda|cuda:N",
        help="Where to compute; auto takes a GPU where there is one.",
    )


def executor_options(what: str) -> Callable[[Command], Command]:
    """`--jobs`, `--executor` and `--ray-address`: where several things at once are computed."""
    ray = "With Ray: a cluster's address, or auto for the one that this machine is part of; else Ray is started here."

    def decorate(command: Command) -> Command:
        for one in (
            option("--ray-address", metavar="auto|HOST:PORT", help=ray),
            option("--executor", type=click.Choice(["local", "ray"]), default="local", show_default=True,
                   help="Processes on this machine, or Ray."),
            option("--jobs", type=click.IntRange(1, MOST_JOBS), show_default="1, or all that Ray has",
                   help=f"How many {what} to compute at once."),
        ):  # fmt: skip
            command = one(command)
        return command

    return decorate


def json_option() -> Callable[[Command], Command]:
    """`--json`: for programs."""
    return option("--json", "as_json", is_flag=True, help="Print JSON on stdout instead of tables.")


def registry(ctx: click.Context) -> Registry:
    """The plugins, read once a command; a broken one costs a line on stderr."""
    if "suite.host.registry" not in ctx.meta:
        found = Registry()
        for line in found.broken:
            click.echo(f"warning: {line}", err=True)
        ctx.meta["suite.host.registry"] = found
    known = ctx.meta["suite.host.registry"]
    assert isinstance(known, Registry)
    return known
