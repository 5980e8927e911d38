"""The systems that runs work on: their locks between processes are Unix's; and whether there may be a GPU."""

import sys
from pathlib import Path

_DRIVERS = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")  # of NVIDIA, of AMD, of Windows below Linux


def check_system() -> None:
    """Ends the program with one line on Windows, before an import would fail there."""
    if sys.platform == "win32":
        sys.exit("error: suite runs on Linux and macOS (on Windows use WSL: wsl --install, then install it there)")


def may_have_gpu() -> bool:
    """Whether a driver is there that torch computes with: where none is, torch need not be loaded to look."""
    return any(Path(driver).exists() for driver in _DRIVERS)
