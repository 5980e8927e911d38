"""The command line: one file per verb, `program.py` holds them together."""

from suite.host.cli.program import main

__all__ = ["main"]
