"""A stranger's plugin, as small as one can be; the tests install it beside the built-in modules."""

from suite.plugin import Module, Study, Target

module = Module(
    name="toy",
    summary="Squares, for tests.",
    paper="Nobody (2026)",
    studies={
        "squares": Study(
            summary="The square of every number.",
            config="toy.squares:SquaresConfig",
            function="toy.squares:squares",
            presets={"large": {"numbers": [10, 20], "fast": True}, "wrong": {"repeats": "many"}},
        ),
        "lost": Study(summary="Its file is missing.", config="toy.nowhere:Config", function="toy.nowhere:f"),
    },
    gradients={"flip": Target("toy.squares:flip", "the negative gradient")},
)
