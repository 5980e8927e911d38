"""A plugin of one study that writes every kind of file that a study can write, in the shortest time."""

from suite.plugin import Module

module = Module(name="tried", summary="Draws, for tests.", paper="Nobody (2026)", studies=("draws",))
