"""A plugin whose work can be held, told apart by process, and killed: what the tests of executors need of a study."""

from suite.plugin import Module, Study

module = Module(
    name="gated",
    summary="Draws, for tests.",
    paper="Nobody (2026)",
    studies={
        "draws": Study(
            summary="Random numbers, in parts.",
            config="gated.draws:DrawsConfig",
            function="gated.draws:draws",
            parallel=True,
        ),
        "nets": Study("A net with its initial weights.", "gated.nets:NetsConfig", "gated.nets:nets"),
        "logits": Study("What nets say.", "gated.nets:LogitsConfig", "gated.nets:logits"),
    },
)
