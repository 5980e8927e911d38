"""Where the points of an experiment or the parts of a run are computed: in this process, in several, or on Ray."""

from suite.host.executors.choice import Executor, executor
from suite.host.executors.local import Local
from suite.host.executors.point import Outcome, Point, execute
from suite.host.executors.sharding import spreading

__all__ = ["Executor", "Local", "Outcome", "Point", "execute", "executor", "spreading"]
