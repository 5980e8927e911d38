"""`suite reproduce`: what the papers print beside what this machine gives."""

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from suite.errors import SuiteError, WorkFailed
from suite.host.cli.options import (
    Minutes,
    device_option,
    executor_options,
    json_option,
    option,
    registry,
    runs_option,
)
from suite.host.cli.text import print_table
from suite.host.plain import plain
from suite.host.text import format_minutes, format_value
from suite.host.verdicts import WORDS, Verdict
from suite.locks import making_nothing
from suite.numbers import format_estimate

if TYPE_CHECKING:
    from suite.host.reproduction import Plan

Found = tuple["Plan", list[Verdict] | None]
"""A plan and its run's verdicts; None where there is no finished run, or it cannot be read."""


@click.command(name="reproduce")
@click.argument("module", required=False)
@option("--within", type=Minutes(), default=30, show_default=True, metavar="MINUTES",
        help="How long to work in all, by what presets are known to take; 0 only reads.")  # fmt: skip
@option("--any-code", is_flag=True, help="Read finished runs of the same settings also when other code made them.")
@option("--dry-run", is_flag=True, help="Print the plan and stop.")
@executor_options("studies")
@device_option()
@runs_option()
@json_option()
@click.pass_context
def command(
    ctx: click.Context,
    module: str | None,
    within: float,
    any_code: bool,
    dry_run: bool,
    jobs: int | None,
    executor: str,
    ray_address: str | None,
    device: str,
    runs: Path,
    as_json: bool,
) -> None:
    """Reproduce what the papers of all modules say, or of one, or of one study.

    Of each study the preset nearest to the paper that fits is read where it is finished, and run where it is not;
    then published and measured numbers stand side by side with a verdict. The same command continues. Presets that
    do not say what they take, such as smoke, are neither read nor run.
    """
    from suite.host import executors
    from suite.host.reproduction import Reproduction, results, studies_of
    from suite.host.store import check_writable

    known = registry(ctx)
    with making_nothing() if dry_run else nullcontext():
        reproduction = Reproduction(known, runs, device, any_code=any_code)
        plans = reproduction.plan(studies_of(known, module), within * (jobs or 1))
    planned = [_planned(plan) for plan in plans]
    todo = reproduction.points(plans)
    if todo and not dry_run:
        check_writable(runs)
    if not as_json:
        print_table(planned, [*planned[0]])
        each = [chosen.minutes for chosen, _ in todo]
        left = format_minutes(max([sum(each) / (jobs or 1), *each]))  # the longest is not split
        click.echo(f"about {left}\n" if todo else "nothing to run\n")
        for what in reproduction.lacking if dry_run else ():
            click.echo(f"{what}: the first run that needs it makes it")
    if dry_run:
        if as_json:
            click.echo(json.dumps({"plan": planned}))
        return
    failed = list[str]()
    with executors.executor(executor, jobs, ray_address, device) as work:
        for place, outcome in work([point for _, point in todo]):
            ran = f"{todo[place][0].study}, {todo[place][0].preset}"
            click.echo(f"{ran}: {outcome.status}, {outcome.seconds:.1f} s", err=True)
            if outcome.status == "failed":
                failed.append(f"{ran}: {outcome.error}")
    found = list[Found]()
    for plan in plans:
        try:
            found.append((plan, results(plan)))
        except SuiteError as error:  # of one run; the others' verdicts are printed
            found.append((plan, None))
            failed.append(f"{plan.study}, {plan.option.preset if plan.option else '-'}: {error}")
    if as_json:
        told = plain({"plan": planned, "verdicts": _listed(found), "failed": failed})
        click.echo(json.dumps(told, allow_nan=False))
    else:
        _print(found)
    if failed:
        lines = "".join(f"\n  {line}" for line in failed)
        count = "1 run" if len(failed) == 1 else f"{len(failed)} runs"
        raise WorkFailed(f"{count} failed, the others are kept; the same command tries again{lines}")


def _planned(plan: "Plan") -> dict[str, str]:
    chosen = plan.option
    if chosen is None:
        how = "left out"
    elif chosen.finished:
        how = "read, made by other code" if chosen.other_code else "read"
    else:
        how = f"run, about {format_minutes(chosen.minutes)}"
    against = "; ".join(f"{preset}: {why}" for preset, why in plan.against.items())
    return {"study": plan.study, "preset": chosen.preset if chosen else "-", "how": how, "nearer to the paper": against}


def _listed(found: Sequence[Found]) -> list[dict[str, Any]]:
    return [
        {"study": plan.study, "preset": plan.option.preset, "run": str(plan.option.directory.path), **asdict(verdict)}
        for plan, verdicts in found
        if plan.option
        for verdict in verdicts or []
    ]


def _print(found: Sequence[Found]) -> None:
    rows = [
        {
            "study": row["study"],
            "claim": row["claim"],
            "published": format_value(row["published"]),
            "measured": format_estimate(row["value"], row["low"], row["high"]),
            "n": row["n"],
            "verdict": row["verdict"],
            "why": row["note"],
        }
        for row in _listed(found)
    ]
    if rows:
        print_table(rows, [*rows[0]])
        click.echo()
    counts = []
    for plan, verdicts in found:
        told = [each.verdict for each in verdicts or []]
        words = Counter(told)
        preset = "-" if plan.option is None or verdicts is None else plan.option.preset
        counts.append({"study": plan.study, "preset": preset, **{word: words[word] for word in WORDS}})
    print_table(counts, [*counts[0]])
