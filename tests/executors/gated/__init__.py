"""A plugin whose work can be held, told apart by process, and killed: what the tests of executors need of a study."""

from suite.plugin import Module

module = Module(
    name="gated",
    summary="Draws, for tests.",
    paper="Nobody (2026)",
    studies=("draws", "nets", "logits"),
)
