"""Where the points of an experiment are run: here, in local processes."""

from suite.executors.local import run_locally
from suite.executors.point import Outcome, Point, execute

__all__ = ["Outcome", "Point", "execute", "run_locally"]
