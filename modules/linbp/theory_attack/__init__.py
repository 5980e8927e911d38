"""Is LinBP closer to the optimal adversarial example at every step? Li et al. 2022, Sec. 3.1, Theorem 1 and Fig. 1."""

from suite.plugin import Cost, Study

study = Study(
    question="Theorem 1 simulated: BP and LinBP on the way to the optimal adversarial example (Fig. 1).",
    config=".config:TheoryAttackConfig",
    presets={
        "smoke": {"repeats": 4, "steps": 10, "d1": 10, "d2": 5, "d3": 3},
        "quick": {},
        "paper": {"repeats": 10},
        "code": {"repeats": 10, "protocol": "code"},
    },
    costs={"quick": Cost(0.2), "paper": Cost(0.1)},
)
