"""From a config to its run: one that is stored, told by names and files alone, or one that is ready to execute."""

from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

from suite.host.imports.memory import keep
from suite.host.inputs import resolve
from suite.host.keys import measuring_code
from suite.host.registry import Registry
from suite.host.run import Run
from suite.host.store import check_writable
from suite.host.told import supposed
from suite.plugin import StudyConfig


def prepare(
    study: str,
    config: StudyConfig,
    registry: Registry,
    *,
    root: Path,
    device: str = "auto",
    objects: Mapping[str, Any] | None = None,
) -> Run:
    """The run of a config: one that is finished, or one that is ready to execute, its references resolved.

    Args:
        objects: models and data sets of this process, by their references.

    Raises:
        SuiteError: bad references, no such device, or a root that cannot be written.
    """
    code = measuring_code(study, config, registry)
    load = cache(partial(resolve, config, registry, device, objects))
    digests = None if objects else supposed(config, device)
    if digests is not None:
        run = Run(study, config, digests, load, root, code)
        if run.directory.status() == "finished":
            keep()
            return run
    run = Run(study, config, load().digests, load, root, code)
    if run.directory.status() != "finished":
        check_writable(run.directory.path)
    keep()
    return run
