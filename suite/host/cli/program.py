"""The program: how its verbs are found, and how errors leave it."""

import importlib
import logging
import os
import sys
import traceback
from typing import Any

import click

from suite import __version__
from suite.errors import InterruptedHalfway, SuiteError, WorkFailed, did_you_mean, one_line, readable
from suite.host.allocator import keep_freed_memory
from suite.host.cli.helping import Verbs
from suite.host.cli.options import option

VERBS = (
    "list",
    "info",
    "run",
    "analyse",
    "sweep",
    "experiment",
    "reproduce",
    "runs",
    "query",
    "compare",
    "report",
    "view",
    "models",
    "data",
    "new",
    "doctor",
)


class _Interrupted(Exception):
    """Ctrl-C, before click turns it into an empty line; `halfway`: see suite.errors.InterruptedHalfway."""

    def __init__(self, halfway: bool) -> None:
        self.halfway = halfway


class _ToStderr(logging.Handler):
    """The laboratory's log, as plain lines; a warning once a command, however often its cause is met."""

    def __init__(self) -> None:
        super().__init__()
        self._warned = set[str]()

    def emit(self, record: logging.LogRecord) -> None:
        line = readable(self.format(record))
        if record.levelno < logging.WARNING or line not in self._warned:
            click.echo(line, err=True)
        if record.levelno >= logging.WARNING:
            self._warned.add(line)


class _Suite(Verbs):
    """The verbs, imported when asked for, and the one place where exceptions become lines and exit codes."""

    show_traceback = False

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name.startswith("-"):
            return None
        if name not in VERBS:
            raise SuiteError(f"unknown command {name!r}", did_you_mean(name, VERBS))
        command = importlib.import_module(f"suite.host.cli.{name}").command
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise _Interrupted(isinstance(error, InterruptedHalfway)) from None

    def main(self, *args: Any, **kwargs: Any) -> Any:
        self.show_traceback = False
        # Read when torch is imported. Threads that spin while they wait take ten times as long where cores are busy.
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
        keep_freed_memory()
        try:
            code = super().main(*args, **{**kwargs, "standalone_mode": False})
        except Exception as error:
            code, line = _explain(error)
            if self.show_traceback:
                traceback.print_exception(error)
            click.echo(line, err=True)
            if isinstance(error, _Interrupted) and error.halfway:
                os._exit(code)
        sys.exit(code if isinstance(code, int) else 0)


@click.group(cls=_Suite, invoke_without_command=True, no_args_is_help=False)
@option("--traceback", is_flag=True, help="Show where an error comes from.")
@click.version_option(__version__)
@click.pass_context
def main(ctx: click.Context, traceback: bool) -> None:
    """A research suite for adversarial robustness.

    Results go to stdout, progress and messages to stderr. SUITE_DATA, SUITE_CACHE and SUITE_RUNS move the
    folders of data sets, of decoded data and trained weights, and of runs.
    """
    assert isinstance(ctx.command, _Suite)
    ctx.command.show_traceback = traceback
    logging.getLogger("suite").setLevel(logging.INFO)
    logging.getLogger("suite").handlers = [_ToStderr()]
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def _explain(error: Exception) -> tuple[int, str]:
    """Exit code (2 before work, 1 during, 130 on Ctrl-C) and the one line for an exception."""
    if isinstance(error, _Interrupted | click.Abort):
        return 130, "interrupted (the same command continues)"
    if isinstance(error, click.NoSuchOption) and error.ctx is not None:
        if isinstance(error.ctx.command, click.Group):
            remedy = f"options follow the name: {error.ctx.command_path} NAME {error.option_name}"
            return 2, f"error: no such option {error.option_name} ({remedy})"
        known = [name for parameter in error.ctx.command.params for name in parameter.opts]
        return 2, f"error: no such option {error.option_name} ({did_you_mean(error.option_name, known)})"
    if isinstance(error, click.UsageError):
        where = f" (see {error.ctx.command_path} --help)" if error.ctx else ""
        message = " ".join(error.format_message().split()).rstrip(".")
        return 2, f"error: {message[:1].lower()}{message[1:]}{where}"
    if isinstance(error, SuiteError):
        return (1 if isinstance(error, WorkFailed) else 2), f"error: {error}"
    return 1, f"error: {one_line(error)} (suite --traceback shows the rest)"
