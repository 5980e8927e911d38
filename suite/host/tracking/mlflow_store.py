"""Runs in an MLflow store: a data base file or a server. Imported in the background process alone: it takes seconds."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException

from suite.host.tracking.content import Content

T = TypeVar("T")

COMPLETE = "suite.version"
"""The tag that a run gets last: which version of it has been tracked whole."""
_VALUES_AT_ONCE, _ENTRIES_AT_ONCE = 500, 100
_LONGEST_PARAM, _LONGEST_TAG = 6000, 8000


class Store:
    """An MLflow store, by its URI.

    Args:
        uri: `sqlite:///FILE` or `http://HOST:PORT`.
        on_progress: called after every answer of the store.
    """

    def __init__(self, uri: str, on_progress: Callable[[], None]) -> None:
        self._uri, self._on_progress = uri, on_progress
        self._client = MlflowClient(tracking_uri=uri)
        self._client.search_experiments(max_results=1)  # makes a new data base now, beside the study's work
        self._experiments: dict[str, str] = {}

    def record(self, experiment: str, content: Content) -> None:
        """Tracks a run in an experiment, once: a run that is there whole is left, one that is not is replaced."""
        where = self._experiment(experiment)
        for found in self._client.search_runs([where], f"tags.`suite.run` = '{content.run}'"):
            if found.data.tags.get(COMPLETE) == content.version:
                return
            self._client.delete_run(found.info.run_id)
        made = self._client.create_run(where, start_time=content.started, run_name=content.run)
        for log in self._entries(made.info.run_id, content):
            log()
            self._on_progress()
        status = "FINISHED" if content.finished else "FAILED"
        self._client.set_terminated(made.info.run_id, status, end_time=content.written)
        self._client.set_tag(made.info.run_id, COMPLETE, content.version)

    def _entries(self, run: str, content: Content) -> Iterator[Callable[[], Any]]:
        """Each a call that is soon answered."""
        tags = [RunTag(name, value[:_LONGEST_TAG]) for name, value in content.tags.items()]
        params = [Param(name, value[:_LONGEST_PARAM]) for name, value in content.params.items()]
        metrics = [Metric(name, value, content.written, step) for name, value, step in content.metrics]
        yield from (partial(self._client.log_batch, run, tags=some) for some in _split(tags, _ENTRIES_AT_ONCE))
        yield from (partial(self._client.log_batch, run, params=some) for some in _split(params, _ENTRIES_AT_ONCE))
        yield from (partial(self._client.log_batch, run, metrics=some) for some in _split(metrics, _VALUES_AT_ONCE))
        for path, folder in content.files:
            yield partial(self._client.log_artifact, run, str(path), folder or None)

    def _experiment(self, name: str) -> str:
        if name not in self._experiments:
            found = self._client.get_experiment_by_name(name)
            if found is None:
                found = self._create(name)
            self._experiments[name] = found.experiment_id
            self._on_progress()
        return self._experiments[name]

    def _create(self, name: str) -> Any:
        file = self._uri.removeprefix("sqlite:///")
        beside = (Path(file).absolute().parent / "mlartifacts" / name).as_uri() if file != self._uri else None
        try:
            return self._client.get_experiment(self._client.create_experiment(name, artifact_location=beside))
        except MlflowException:
            found = self._client.get_experiment_by_name(name)  # made by another process since
            if found is None:
                raise
            return found


def _split(entries: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    return (entries[first : first + most] for first in range(0, len(entries), most))
