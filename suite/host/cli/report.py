"""`suite report RUN...`: runs, an experiment, or everything as one HTML page."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from pydantic import ValidationError

from suite.errors import SuiteError
from suite.files import atomic
from suite.host.cli.fields import config_fields
from suite.host.cli.options import option, registry, runs_option
from suite.host.glossary import Explained, explain
from suite.host.own_files import LOCK, MANIFEST
from suite.host.registry import Registry
from suite.host.store import RunDirectory, check_writable, find_run
from suite.paths import usable
from suite.plugin import StudyConfig

if TYPE_CHECKING:
    from suite.host.report import Described


@click.command(name="report")
@click.argument("names", nargs=-1, metavar="[RUN | EXPERIMENT]...")
@option("--experiment", metavar="NAME", help="An experiment as a whole: its joint tables and figures, and its runs.")
@option("--all", "everything", is_flag=True, help="Everything below --runs, behind an index.")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="File to write.  [default: REPORT_<what>.html]")
@runs_option()
@click.pass_context
def command(
    ctx: click.Context, names: tuple[str, ...], experiment: str | None, everything: bool, out: Path | None, runs: Path
) -> None:
    """Write runs as one HTML page that needs no network: question, settings, numbers, figures, provenance.

    A RUN is a key or its beginning, `study/` before it or not, or the path of a run directory.
    """
    from suite.host.report import experiment_page, index_page, runs_page

    if bool(names) + bool(experiment) + everything != 1:
        raise SuiteError("suite report shows runs, or one experiment, or --all", "say which of the three")
    describe = describer(registry(ctx))
    if len(names) == 1 and experiment is None and _is_experiment(runs, names[0]):
        experiment = names[0]
    if experiment:
        from suite.host.report.experiments import find_experiment

        record = find_experiment(runs, experiment)
        target = out or Path(f"REPORT_{record.stem}.html")
        _check(target)
        html = experiment_page(runs, record, describe)
    elif everything:
        target = out or Path("REPORT_all.html")
        _check(target)
        html = index_page(runs, describe)
    else:
        found = [*{run.path.resolve(): run for run in (_find(runs, name) for name in names)}.values()]
        target = out or Path(f"REPORT_{_file_name(found)}.html")
        _check(target)
        html = runs_page(found, describe)
    with atomic(target) as file:
        file.write(html.encode(errors="replace"))  # a file's name need not be text
    click.echo(f"report:   {target}")


def describer(known: Registry) -> Callable[[str], "Described | None"]:
    """What the plugins say of a study, read once; None where it is not installed, or broken."""
    return cache(lambda study: _described(study, known))


def _find(root: Path, name: str) -> RunDirectory:
    """The run of that key, or at that path."""
    path = usable(name)
    return RunDirectory(path) if path.is_dir() else find_run(root, name)


def _is_experiment(root: Path, name: str) -> bool:
    return not usable(name).is_dir() and "/" not in name and (root / "experiments" / f"{name}.json").is_file()


def _file_name(found: list[RunDirectory]) -> str:
    if len(found) > 1:
        return f"{len(found)}_runs"
    path = found[0].path.resolve()
    return f"{path.parent.name}-{path.name}"


def _check(target: Path) -> None:
    if usable(target).is_dir():
        raise SuiteError(f"-o: {target} is a directory", "give a file's name")
    if target.exists() and not target.is_file():
        raise SuiteError(f"-o: {target} is no regular file", "give the name of a file that is to be written")
    if any((folder / MANIFEST).is_file() and (folder / LOCK).is_file() for folder in target.resolve().parents):
        raise SuiteError(f"-o: {target} is in a run's folder", "a page is nothing that a run makes: write it elsewhere")
    check_writable(target.absolute().parent)


def _described(study: str, known: Registry) -> "Described | None":
    from suite.host.report import Described, Option

    try:
        entry, module, config = known.study(study), known.module_of(study), known.config(study)
    except SuiteError:
        return None
    defaults = _values(config, {})
    options = [
        Option(field.name, defaults.get(field.name), field.description, field.unit, field.source, field.is_flag)
        for field in config_fields(config)
    ]
    presets = {name: _values(config, dict(values)) for name, values in entry.presets.items()}
    return Described(
        entry.question, module.paper, {option.name: option for option in options},
        {name: values for name, values in presets.items() if values}, partial(_explained, study, known),
    )  # fmt: skip


def _explained(study: str, known: Registry, stored: Mapping[str, Iterable[str]]) -> Mapping[str, Explained]:
    """What the study says of its tables; nothing where what it says cannot be read."""
    with suppress(SuiteError):
        return explain(study, known, stored)
    return {}


def _values(config: type[StudyConfig], given: dict[str, Any]) -> dict[str, Any]:
    """The whole config with these values, as JSON holds it; empty where it refuses them."""
    with suppress(ValidationError, SuiteError):
        return config.model_validate(given).model_dump(mode="json")
    return {}
