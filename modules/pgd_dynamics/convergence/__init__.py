"""Does projected gradient ascent find a local maximum, and how fast? Deng et al. 2020, Sec. 3 and 4."""

from suite.plugin import Cost, Study

# Measured on one core is quick; paper follows from smaller runs, by networks, steps and sizes.
study = Study(
    question="PGD's phases and rates to a local maximum of the loss, beside the bounds (Thm 3.1, Cor. 3.1).",
    config=".config:ConvergenceConfig",
    presets={
        "smoke": {
            "d": 3,
            "m": 50,
            "networks": 2,
            "starts": 1,
            "etas": (1, 0.5),
            "steps": 500,
            "betas": (1, 4),
            "schedule_steps": 50,
        },
        "quick": {},
        # eps = 0.02 < (log m)^-2, the theorem's order with a constant of 1.
        "paper": {"scale": 0.2, "networks": 250, "etas": (1, 0.5, 0.25, 0.125, 0.0625), "schedule_steps": 4000},
    },
    costs={"quick": Cost(0.4), "paper": Cost(12)},
)
