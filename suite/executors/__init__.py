"""Where the points of an experiment or the parts of a run are computed: in this process, in several, or on Ray."""

from suite.executors.choice import Executor, executor
from suite.executors.local import Local
from suite.executors.point import Outcome, Point, execute
from suite.executors.sharding import spreading

__all__ = ["Executor", "Local", "Outcome", "Point", "execute", "executor", "spreading"]
