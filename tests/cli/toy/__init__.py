"""A stranger's plugin, as small as one can be; the tests install it beside the built-in modules."""

from suite.plugin import Cost, Module, Study, Target

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
        "opinion": Study(
            summary="Whether squares grow.",
            config="toy.opinion:OpinionConfig",
            function="toy.opinion:opinion",
            presets={
                "quick": {},
                "middle": {"numbers": (1, 2, 3, 4)},
                "vast": {"numbers": (1, 2, 3, 4, 5)},
                "large": {"numbers": (6, 7)},
                "paper": {"dataset": "mnist"},
                "other": {"numbers": (8,)},
            },
            costs={
                "quick": Cost(0.1),
                "middle": Cost(5),
                "vast": Cost(6, gigabytes=1e6),
                "large": Cost(7, gpu=True),
                "paper": Cost(8),
            },
        ),
        "lost": Study("Its file is missing.", "toy.nowhere:Config", "toy.nowhere:f", presets={"quick": {}}),
    },
    gradients={"flip": Target("toy.squares:flip", "the negative gradient")},
)
