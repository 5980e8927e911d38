"""`make faults`: more than 200 kills, and other faults that need minutes; a line for each area.

python -m tests.faults [AREA ...] [--seed N]
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from .areas import areas, on_ray, plugin
from .kills import Area, Tally, try_kills
from .others import at_once, on_a_full_disk, on_a_read_only_disk

Trial = tuple[str, Callable[[Path], Tally]]


def main() -> int:
    """Tries the areas that are named, else all; 1 where something did not survive."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("areas", nargs="*")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory(prefix="faults-") as name, plugin(folder := Path(name)):
        known = trials(folder / "inputs", asked.seed)
        if unknown := {*asked.areas} - {*known}:
            parser.error(f"unknown areas: {', '.join(sorted(unknown))} (known: {', '.join(known)})")
        for name, (told, trial) in known.items():
            if asked.areas and name not in asked.areas:
                continue
            begun = time.monotonic()
            tally = trial(folder / name / "here")
            line = f"{told}: {tally.kills} tried, {tally.survived} survived, {time.monotonic() - begun:.0f} s"
            print(line, *tally.faults, sep="\n  ", flush=True)  # noqa: T201
            failed += len(tally.faults)
    return 1 if failed else 0


def trials(inputs: Path, seed: int) -> dict[str, Trial]:
    """What is tried, by short names: kills, processes at once, and disks that root alone can make."""
    known = areas(inputs)
    killed: dict[str, tuple[Area, int]] = {**known, **({"ray": on_ray()} if find_spec("ray") else {})}
    found: dict[str, Trial] = {
        name: (f"kills of {area.name}", partial(try_kills, area, kills=kills, seed=seed))
        for name, (area, kills) in killed.items()
    }
    for name in ("study", "zoo", "decoding"):
        area, _ = known[name]
        found[f"{name}-at-once"] = (f"four at once of {area.name}", partial(at_once, area, rounds=5))
        told = f"four at once, without locks, of {area.name}"
        found[f"{name}-without-locks"] = (told, partial(at_once, area, rounds=5, locks=False))
    if os.geteuid() == 0:
        study, _ = known["study"]
        found["full"] = ("a full disk under a study", partial(on_a_full_disk, study))
        found["read-only"] = ("a read-only disk under a study", partial(on_a_read_only_disk, study))
    return found


if __name__ == "__main__":
    sys.exit(main())
