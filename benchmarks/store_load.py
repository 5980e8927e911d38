"""What reading many runs costs: `suite runs` the first time and again, a count, the first page of `view`, one of all.

    python benchmarks/store_load.py [--runs 2000 10000] [--study phase_transition.linear]

The runs are copies of one run of a study's preset `smoke`, under other keys, seeds and times, in a temporary folder.
Every row is one `suite` command in a process of its own: wall time, processor time and peak memory, imports included;
`view` from its start to the end of its first page.
"""

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import urlopen

PROGRAM = [sys.executable, "-m", "suite"]
SETTLED = 3.0  # seconds, after which records count as written for good
COMMANDS = {
    "first": ["runs"],  # reads every record, and remembers them
    "runs": ["runs"],
    "query": ["query", "SELECT count(*) FROM runs"],
    "view": ["view"],
    "report": ["report", "--all", "-o", "all.html"],
}
BOUNDS = {  # of 2,000 runs: by command, what is bounded and by how much
    "first": {"seconds": 1.0, "megabytes": 200.0},
    "runs": {"seconds": 1.0, "megabytes": 200.0},
    "query": {"cpu_seconds": 3.0},
    "view": {"cpu_seconds": 5.0},
    "report": {"seconds": 20.0},
}


def one_run(root: Path, study: str) -> Path:
    """A small real run."""
    subprocess.run([*PROGRAM, "run", study, "--preset", "smoke", "--runs", str(root)], check=True, capture_output=True)
    (path,) = root.glob("*/*/run.json")
    return path.parent


def copies(run: Path, root: Path, count: int) -> None:
    """So many runs below a root; their tables and figures are one file on disk."""
    content = json.loads((run / "run.json").read_text())
    files = [path.relative_to(run) for path in run.rglob("*") if path.is_file() and path.name != "run.json"]
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(count):
        made = root / run.parent.name / f"{number:016x}"
        for file in files:
            (made / file).parent.mkdir(parents=True, exist_ok=True)
            os.link(run / file, made / file)
        started = (start + timedelta(minutes=number)).isoformat()
        changed = {
            "key": made.name,
            "seed": number,
            "config": {**content["config"], "seed": number},
            "timings": {**content["timings"], "started": started},
        }
        (made / "run.json").write_text(json.dumps({**content, **changed}, indent=2))


def measured(arguments: list[str], root: Path) -> dict[str, float]:
    """What one command took; it must succeed."""
    environment = {**os.environ, "SUITE_RUNS": str(root)}
    begin = time.monotonic()
    process = subprocess.Popen([*PROGRAM, *arguments], stdout=subprocess.PIPE, cwd=root.parent, env=environment)
    assert process.stdout is not None
    with process.stdout as output:
        if arguments == ["view"]:
            with urlopen(output.readline().split()[-1].decode()) as page:
                page.read()
            process.send_signal(signal.SIGINT)
        output.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"suite {' '.join(arguments)}: exit code {process.returncode}")
    return {"seconds": seconds, "cpu_seconds": _cpu(usage), "megabytes": usage.ru_maxrss / 1024}


def _cpu(usage: resource.struct_rusage) -> float:
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, nargs="+", default=[2000, 10_000])
    parser.add_argument("--study", default="phase_transition.linear")
    options = parser.parse_args()
    sys.stdout.write(f"{'runs':>7}  {'command':<8}{'seconds':>9}{'cpu s':>9}{'MB':>9}  of 2,000 at most\n")
    with tempfile.TemporaryDirectory() as folder:
        run = one_run(Path(folder, "one"), options.study)
        for count in options.runs:
            root = Path(folder, str(count), "runs")
            copies(run, root, count)
            time.sleep(SETTLED)
            for name, arguments in COMMANDS.items():
                sys.stdout.write(f"{row(count, name, measured(arguments, root))}\n")
                sys.stdout.flush()


def row(count: int, name: str, found: dict[str, Any]) -> str:
    """One line of the table."""
    bounds = ", ".join(f"{bound:g} {what.replace('_', ' ')}" for what, bound in BOUNDS[name].items())
    return (
        f"{count:>7}  {name:<8}{found['seconds']:>9.2f}{found['cpu_seconds']:>9.2f}{found['megabytes']:>9.0f}  {bounds}"
    )


if __name__ == "__main__":
    main()
