"""A stranger's plugin, as small as one can be; the tests install it beside the built-in modules."""

from suite.plugin import Module, Target

module = Module(
    name="toy",
    summary="Squares, for tests.",
    paper="Nobody (2026)",
    studies=("squares", "opinion", "lost"),
    gradients={"flip": Target("toy.rules:flip", "the negative gradient")},
)
