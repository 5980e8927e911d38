"""Is the loss over the ball more regular for short inputs? Deng et al. 2020, Fig. 1, Theorem 5.1."""

from suite.plugin import Cost, Study

# Measured on one core is quick; paper follows from smaller runs, by networks, steps and sizes.
study = Study(
    question="Loss over the ball for inputs in the plane: extrema on the circle, by scale and ratio (Fig. 1).",
    config=".config:LandscapeConfig",
    presets={
        "smoke": {
            "scales": (1,),
            "ratios": (1, 10),
            "m": 50,
            "networks": 4,
            "escapes": 2,
            "steps": 20,
            "atlas_starts": 2,
        },
        "quick": {},
        "paper": {
            "scales": (0.01, 0.1, 1, 10, 100),
            "ratios": (0.001, 0.01, 0.1, 1, 10),
            "networks": 200,
            "escapes": 40,
        },
    },
    costs={"quick": Cost(0.4), "paper": Cost(10)},
)
