"""Where do clean and adversarial linear regression part, and how does that grow with d/n? Xing et al. 2022, Sec. 4."""

from suite.plugin import Cost, Study

study = Study(
    question="Linear regression: clean and adversarial paths, p-values, growth of eps_star (Thm 1, 2).",
    config=".config:LinearConfig",
    presets={
        "smoke": {
            "sizes": ("4/40",),
            "eps": (0.1, 1),
            "repeats": 2,
            "steps": 20,
            "test_sizes": ("2/20",),
            "test_eps": (0.1, 1),
            "null": 10,
            "growth": ("2/40", "40/4"),
            "growth_repeats": 20,
            "own_repeats": 20,
        },
        "quick": {},
        "paper": {
            "growth": (
                *("20/100", "1/200", "2/200", "5/200", "10/200", "20/200", "30/200", "40/200"),
                *("1/400", "2/400", "30/400", "40/400", "60/400", "80/400"),
                *("1/800", "2/800", "4/800", "8/800", "20/800", "40/800", "60/800", "80/800"),
                *("1/3200", "2/3200", "4/3200", "8/3200"),
                *("250/50", "500/50", "1000/50", "2500/50", "10000/50"),
            ),
            "growth_repeats": 200,
            "own_repeats": 1000,
        },
    },
    costs={"quick": Cost(1), "paper": Cost(70)},
)
