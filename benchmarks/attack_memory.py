"""Peak memory of `suite run linbp.attack` against the number of images: it must not grow.

SUITE_DATA=../shared/data python benchmarks/attack_memory.py [--model mlp --dataset mnist]
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path


def peak_mebibytes(model: str, dataset: str, limit: int) -> float:
    """Runs the study in a process of its own and reads what it recorded about itself."""
    with tempfile.TemporaryDirectory() as runs:
        command = [Path(sys.executable).parent / "suite", "run", "linbp.attack", "--model", model, "--dataset", dataset]
        options = ["--limit", str(limit), "--runs", runs, "--json", "--device", "cpu"]
        shown = subprocess.run([*command, *options], check=True, stdout=subprocess.PIPE, text=True).stdout
        record = json.loads((Path(json.loads(shown)["run"]) / "run.json").read_text())
    return float(record["peak_memory_bytes"]) / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="lenet5")
    parser.add_argument("--dataset", default="mnist")
    arguments = parser.parse_args()
    for limit in (500, 2000, 8000):
        peak = peak_mebibytes(arguments.model, arguments.dataset, limit)
        sys.stdout.write(f"{arguments.model} on {arguments.dataset}, {limit} images: peak {peak:.0f} MiB\n")


if __name__ == "__main__":
    main()
