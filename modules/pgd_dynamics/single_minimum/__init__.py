"""Up to which radius has the loss one local maximum on the sphere? Deng et al. 2020, Theorem 5.1."""

from suite.plugin import Cost, Study

# Measured on one core is quick; paper follows from smaller runs, by networks, steps and sizes.
study = Study(
    question="Share of networks with one local minimum on the sphere, by d, m and eps, beside tau (Thm 5.1).",
    config=".config:SingleMinimumConfig",
    presets={
        "smoke": {"dims": (2, 3), "widths": (20,), "radii": (0.5, 4), "networks": 4, "starts": 2, "resamples": 20},
        "quick": {},
        "paper": {"dims": (2, 5, 10, 20, 50), "widths": (100, 300, 1000, 3000), "networks": 100, "starts": 64},
    },
    costs={"quick": Cost(0.8), "paper": Cost(90)},
)
