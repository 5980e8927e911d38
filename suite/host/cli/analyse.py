"""`suite analyse`: tables, claims and figures of stored runs made anew from what was measured."""

import json
from pathlib import Path
from typing import Any

import click

from suite.errors import SuiteError, WorkFailed
from suite.host.cli.options import json_option, option, registry, runs_option
from suite.host.records import read_all
from suite.host.registry import Registry
from suite.host.store import RunDirectory, find_run
from suite.host.text import counted


@click.command(name="analyse")
@click.argument("which", nargs=-1, metavar="[RUN | STUDY]...")
@option("--all", "every", is_flag=True, help="Analyse all finished runs.")
@runs_option()
@json_option()
@click.pass_context
def command(ctx: click.Context, which: tuple[str, ...], every: bool, runs: Path, as_json: bool) -> None:
    """Make tables, claims and figures of stored runs anew, by today's code, from what was measured.

    Nothing is measured again, also not where other code has measured: that is said. A run that cannot be analysed
    keeps the results that it has.
    """
    from suite.host.analysis import analyse

    if every is bool(which):
        raise SuiteError("which runs?", "name runs or studies, or write --all")
    known = registry(ctx)
    analysed, failed = list[dict[str, Any]](), list[str]()
    for run in _chosen(which, runs, known):
        try:
            analyse(run, known)
            other = _is_of_other_code(run, known)
            analysed.append({"run": run.name, "measured_by_other_code": other})
            if not as_json:
                click.echo(f"{run.name}: analysed{' (measured by other code)' if other else ''}")
        except SuiteError as error:
            failed.append(f"{run.name}: {error}")
    if as_json:
        click.echo(json.dumps({"analysed": analysed, "failed": failed}))
    if failed:
        raise WorkFailed("\n  ".join([f"{counted(len(failed), 'run')} not analysed, they are as they were", *failed]))


def _chosen(which: tuple[str, ...], root: Path, known: Registry) -> list[RunDirectory]:
    """The runs that are meant, each once: all finished ones, those of a study, or one by its key."""
    finished = [run for run, content in read_all(root) if content.get("status") == "finished"]
    if not which:
        return finished
    found: dict[Path, RunDirectory] = {}
    for name in which:
        of_study = [run for run in finished if run.path.parent.name == name]
        if name in known.studies and not of_study:
            raise SuiteError(f"no finished run of {name} in {root}", f"suite run {name} makes one")
        found |= {run.path: run for run in of_study or [find_run(root, name)]}
    return [*found.values()]


def _is_of_other_code(run: RunDirectory, known: Registry) -> bool:
    """Whether today's code would measure otherwise, or may."""
    from suite.host.keys import measuring_code

    content = run.read()
    config = known.config(content["study"]).model_validate(content["config"])
    return measuring_code(content["study"], config, known) != str(content["code"]["digest"])
