"""The systems that runs work on: their locks between processes are Unix's."""

import sys


def check_system() -> None:
    """Ends the program with one line on Windows, before an import would fail there."""
    if sys.platform == "win32":
        sys.exit("error: suite runs on Linux and macOS (on Windows use WSL: wsl --install, then install it there)")
