"""What combining studies costs beside the studies: planning, resuming, overhead a point, two processes, a report.

    python benchmarks/experiment_speed.py [--points 1000] [--planned 10000] [--busy-points 4]

Every row is one `suite` command in a process of its own, wall time, imports included, in a temporary folder. Points are
those of a study of this file that stores one number, but for planning (`linbp.attack`, which digests data and weights),
two processes (`lazy_regime.dial`, which computes, and `pgd_dynamics.single_minimum`, which waits for memory) and the
report (copies of a `linbp.attack` run under other keys). Meant for an idle machine.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

STUDY = '''
from suite.plugin import Module, Study, StudyConfig

module = Module("tiny", "One number.", "none", {"one": Study("One number.", "tiny:Config", "tiny:one")})


class Config(StudyConfig):
    """Nothing but a seed."""


def one(config, run):
    run.table("rows").extend(run.once("row", lambda: {"square": [config.seed**2]}))
'''


def timed(*arguments: str) -> float:
    """Seconds of one `suite` command; it must succeed."""
    begin = time.monotonic()
    subprocess.run(
        [sys.executable, "-c", "from suite.host.cli import main; main()", *arguments], check=True, capture_output=True
    )
    return time.monotonic() - begin


def seeds(count: int) -> str:
    """A grid of seeds, as typed."""
    return "seed=" + ",".join(map(str, range(count)))


def install(site: Path) -> None:
    """Puts the study of this file on the path of every process to come, as pip would."""
    info = site / "tiny-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[suite.modules]\ntiny = tiny:module\n")
    (site / "tiny.py").write_text(STUDY)
    os.environ["PYTHONPATH"] = os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])


def copies(run: Path, count: int) -> list[str]:
    """Paths of the run and of copies of it under keys that differ."""
    made = [run]
    for number in range(1, count):
        made.append(run.with_name(f"{number:016x}"))
        shutil.copytree(run, made[-1])
        content = json.loads((made[-1] / "run.json").read_text())
        (made[-1] / "run.json").write_text(json.dumps({**content, "key": made[-1].name}))
    return [str(path) for path in made]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=1000)
    parser.add_argument("--planned", type=int, default=10_000)
    parser.add_argument("--busy-points", type=int, default=4)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        install(Path(folder, "site"))
        os.environ["SUITE_RUNS"] = str(Path(folder, "runs"))
        rows = [("plan", timed("sweep", "linbp.attack", "--grid", seeds(options.planned), "--dry-run"), "5 s")]

        sweep = ["sweep", "tiny.one", "--grid", seeds(options.points)]
        alone, made, again = timed("run", "tiny.one", "--seed", str(options.points)), timed(*sweep), timed(*sweep)
        overhead = (made - alone) / (options.points - 1)
        rows += [("overhead of a point", overhead, "0.3 s"), ("resume", again, "5 s")]

        os.environ["OMP_NUM_THREADS"] = "1"
        both = {}
        for study in ("lazy_regime.dial", "pgd_dynamics.single_minimum"):
            busy = ["sweep", study, "--grid", seeds(options.busy_points)]
            both[study] = [timed(*busy, "--jobs", jobs, "--runs", str(Path(folder, f"runs{jobs}"))) for jobs in "12"]

        timed("run", "linbp.attack")
        (run,) = Path(folder, "runs", "linbp.attack").iterdir()
        page = Path(folder, "report.html")
        rows += [("report of 100 runs", timed("report", *copies(run, 100), "-o", str(page)), "10 s")]
        size = page.stat().st_size / 1e6
    lines = [f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; planned {options.planned}, made {options.points}"]
    lines += [f"{what:24s} {seconds:7.3f} s   (asked: <= {limit})" for what, seconds, limit in rows]
    lines += [f"{'size of that report':24s} {size:7.2f} MB  (asked: <= 10 MB)"]
    lines += [
        f"{'--jobs 2 over --jobs 1':24s} {one / two:7.2f}     (asked: >= 1.7; {study}, {one:.1f} s and {two:.1f} s)"
        for study, (one, two) in both.items()
    ]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
