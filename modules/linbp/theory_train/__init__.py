"""Does LinBP learn a rectifier's weights faster? Li et al. 2022, Sec. 3.2, Theorem 2 and Fig. 2."""

from suite.plugin import Cost, Study

study = Study(
    question="Theorem 2 simulated: BP and LinBP learn one rectifier from a teacher (Fig. 2).",
    config=".config:TheoryTrainConfig",
    presets={
        "smoke": {"repeats": 4, "steps": 20, "n": 10, "d": 3},
        "quick": {},
        "paper": {"repeats": 10, "protocol": "paper"},
        "code": {"repeats": 10},
    },
    costs={"quick": Cost(0.4), "paper": Cost(0.2)},
)
