"""What planning many points and decoding many images costs, each by one `suite` command in a process of its own.

    python benchmarks/bulk_load.py [--count 100000]

Planned is a sweep of `linbp.attack` and one of `phase_transition.linear`, dry; decoded is a zip of 32 x 32 PNGs.
"""

import argparse
import io
import resource
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from os import environ, wait4
from pathlib import Path
from zipfile import ZipFile

import numpy as np
from PIL import Image

PROGRAM = [sys.executable, "-m", "suite"]
VARIETY = 500  # images that differ; a zip repeats them


def write_zip(path: Path, count: int) -> None:
    """A data set of so many images in seven classes; every tenth is a test image."""
    random = np.random.default_rng(0)
    images = [_png(random.integers(0, 256, (4, 4, 3), dtype=np.uint8)) for _ in range(min(count, VARIETY))]
    with ZipFile(path, "w") as archive:
        for number in range(count):
            split = "train" if number % 10 else "test"
            archive.writestr(f"{split}/class{number % 7}/{number:07}.png", images[number % len(images)])


def _png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).resize((32, 32), Image.Resampling.BICUBIC).save(file, "PNG")
    return file.getvalue()


def commands(zip_file: Path, count: int) -> Mapping[str, list[str]]:
    """What is measured, by its name in the table."""
    seeds = ",".join(map(str, range(count // 100)))
    hundred = ",".join(map(str, range(2, 102)))
    sweep = ["sweep", "--dry-run", "--grid", f"seed={seeds}", "--grid"]
    return {
        "plan linbp.attack": [*sweep, f"steps={hundred}", "linbp.attack"],
        "plan phase_transition.linear": [*sweep, f"repeats={hundred}", "phase_transition.linear"],
        "decode": ["data", "prepare", f"folder:{zip_file}"],
    }


def measured(arguments: list[str], folder: Path) -> resource.struct_rusage:
    """What one command took, imports included; it must succeed."""
    environment = {**environ, "SUITE_CACHE": str(folder / "cache"), "SUITE_RUNS": str(folder / "runs")}
    process = subprocess.Popen([*PROGRAM, *arguments], stdout=subprocess.DEVNULL, cwd=folder, env=environment)
    _, process.returncode, usage = wait4(process.pid, 0)
    if process.returncode:
        raise SystemExit(f"suite {arguments[0]}: wait status {process.returncode}")
    return usage


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100_000)
    count = parser.parse_args().count
    sys.stdout.write(f"{'command':<30}{'count':>9}{'cpu s':>9}{'a second':>10}{'MB':>7}\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_zip(folder / "images.zip", count)
        measured(["run", "linbp.attack", "--limit", "20", "--steps", "1"], folder)  # makes the embedded net once
        for command, arguments in commands(folder / "images.zip", count).items():
            usage = measured(arguments, folder)
            seconds = usage.ru_utime + usage.ru_stime
            sys.stdout.write(
                f"{command:<30}{count:>9}{seconds:>9.1f}{count / seconds:>10.0f}{usage.ru_maxrss / 1024:>7.0f}\n"
            )
            sys.stdout.flush()


if __name__ == "__main__":
    main()
