"""`--track mlflow` of run, sweep and experiment."""

import importlib.util
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from suite.errors import SuiteError
from suite.host.cli.options import option

Command = TypeVar("Command", bound=Callable[..., Any])
Note = Callable[[str, Path], None]
"""Has a run tracked: (experiment in the tracker, run directory)."""

DEFAULT = "sqlite:///mlflow.db"
SCHEMES = ("sqlite", "http", "https", "postgresql", "mysql")


def track_option() -> Callable[[Command], Command]:
    """`--track`: which tracker."""
    return option("--track", type=click.Choice(["mlflow"]), help="Show finished runs to a tracker, too.")


def tracking_uri_option() -> Callable[[Command], Command]:
    """`--tracking-uri`: where it keeps them."""
    return option(
        "--tracking-uri",
        metavar="URI",
        help=f"Its store, {DEFAULT} or http://127.0.0.1:PORT; default MLFLOW_TRACKING_URI, or else the former.",
    )


@contextmanager
def tracking(tracker: str | None, uri: str | None) -> Iterator[Note]:
    """Tracks what is noted; without a tracker nothing. Whatever befalls the tracker is one warning on stderr.

    Raises:
        SuiteError: MLflow is not installed, or the URI is of no kind that it knows.
    """
    if tracker is None:
        yield lambda *_: None
        return
    store = uri or os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT
    if importlib.util.find_spec("mlflow") is None:
        raise SuiteError("--track mlflow: MLflow is not installed", "pip install 'suite-robustness[mlflow]'")
    if store.partition("://")[0].partition("+")[0] not in SCHEMES:
        raise SuiteError(f"--tracking-uri: {store!r} is no store", f"write {DEFAULT} or http://127.0.0.1:PORT")
    from suite.host.tracking.background import Tracker

    working = Tracker(store)
    try:
        yield working.add
    except KeyboardInterrupt:
        working.stop()
        raise
    except BaseException:
        _tell(working.close())
        raise
    _tell(working.close())


def _tell(line: str) -> None:
    if line:
        click.echo(line, err=True)
