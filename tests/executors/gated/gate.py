"""The gate: the folder GATED_FOLDER holds work up (hold) and kills it (kill-N)."""

import os
import signal
import time
from pathlib import Path


def pass_gate(name: str) -> None:
    """Says who works, waits while work is held, and dies or fails where that is asked for."""
    folder = Path(os.environ["GATED_FOLDER"])
    with (folder / "log").open("a") as log:
        log.write(f"{name} {os.getpid()} {os.environ.get('GATED_NODE', 'here')}\n")
    while (folder / "hold").exists():
        time.sleep(0.02)
    spared = folder / f"kill-{name}"
    if spared.exists() and spared.read_text() != str(os.getpid()):
        os.kill(os.getpid(), signal.SIGKILL)
    if name == "13":
        raise ZeroDivisionError("thirteen")
