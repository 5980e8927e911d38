"""Does the proof of Theorem 3.1 hold link by link on given nets? Wang et al. 2022, Sec. 4, App. B.

The proof bounds |f|, ||grad f|| and how much the gradient changes in a ball around x, for all W in the lazy ball at
once, and concludes that one step flips the sign. Each link is measured beside its bound, the condition that the proof
arrives at beside what the step does, and "for all W" is tried from the other side: the study looks in the lazy ball for
the net that resists the step at a point.
"""

from suite.plugin import Cost, Study

_SMOKE = {
    "sizes": (3, 4), "widths": (20,), "c0s": (0, 1), "networks": 2, "points": 2, "ratios": (1.5, 3), "draws": 2,
    "ascent": 4, "restarts": 0, "resisting": 1, "search": 1, "epochs": 3, "train_limit": 20,
}  # fmt: skip
_PAPER = {
    "dataset": "mnist", "sizes": (5, 10, 14, 20, 28), "widths": (300, 1000), "c0s": (0, 1, 3, 10), "networks": 10,
    "points": 10, "resisting": 4, "search": 20, "epochs": 6,
}  # fmt: skip

# Costs were measured on one core, that of the paper preset on one of a busy machine.
study = Study(
    question="The proof's links and bounds on given nets, its condition, the worst net of the ball (Sec. 4).",
    config=".config:TheoryConfig",
    presets={"smoke": _SMOKE, "quick": {}, "paper": _PAPER},
    costs={"quick": Cost(0.4), "paper": Cost(25, gigabytes=1.8)},
)
