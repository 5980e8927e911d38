"""A plugin whose studies and rules each break one rule of the contract; `sound` alone keeps all of it."""

from suite.plugin import Module, Study, Target

NAMES = (
    "sound", "sourceless", "undescribed", "hiding", "unstable", "mislabelled", "deaf", "lenient", "crashing", "bare",
    "batchwise", "drifting",
)  # fmt: skip

module = Module(
    name="faulty",
    summary="Breaks the contract in every way.",
    paper="Nobody (2026)",
    studies={
        name: Study(
            summary="Breaks one rule.",
            config=f"faulty.studies:{name.title()}Config",
            function=f"faulty.studies:{name}",
            presets={"smoke": {"numbers": (1, 2, 3, 4)}},
        )
        for name in NAMES
    },
    gradients={
        "faulty_sound": Target("faulty.rules:sound", "keeps the contract, with an argument that it needs"),
        "faulty_same": Target("faulty.rules:same", "is backpropagation"),
        "faulty_forward": Target("faulty.rules:forward", "has other logits"),
        "faulty_infinite": Target("faulty.rules:infinite", "has infinite gradients, and believes anything"),
    },
)
