"""A study that can be made to fail or to be killed at a chosen number, by the environment variable TOY_FATE."""

from suite.plugin import Study

study = Study(
    "The square of every number.",
    ".config:SquaresConfig",
    figures=None,
    presets={"large": {"numbers": [10, 20], "fast": True}, "wrong": {"repeats": "many"}},
)
