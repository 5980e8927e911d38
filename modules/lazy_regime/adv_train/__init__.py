"""Where does robust accuracy of lazy nets pass one half? Wang et al. 2022, Sec. 5.2, Fig. 4, Algorithm 1.

The paper projects after every step and says that its nets are in the ball; its released code projects once an epoch
and reports what the nets did just before. Both orders are trained and evaluated: does the transition survive?
"""

from suite.plugin import Cost, Study

_SMOKE = {
    "sizes": (3, 4), "epsilons": (0.1, 0.3), "width": 10, "widths": (10, 20), "radii": (0.5, 1.0), "size": 3,
    "attack_steps": 3, "train_steps": 3, "epochs": 3, "networks": 1, "train_limit": 20, "test_limit": 20,
}  # fmt: skip
# Half an hour on one core. Rate x steps an epoch is 4, as in the released command on all 12,665 images.
_PAPER = {
    "dataset": "mnist", "sizes": (5, 8, 12, 18, 28), "epsilons": (0.05, 0.08, 0.12, 0.18, 0.28, 0.42, 0.65),
    "width": 1000, "widths": (100, 250, 600, 1500),
    "radii": (0.03, 0.045, 0.07, 0.1, 0.15, 0.22, 0.33, 0.5, 0.75, 1.1, 1.7), "size": 10, "eps": 0.2,
    "learning_rate": 0.4, "epochs": 100, "networks": 5, "train_limit": 320, "test_limit": 500,
}  # fmt: skip

# Costs were measured on one core, that of the paper preset on one of a busy machine.
study = Study(
    question="Projected adversarial training: robust accuracy over (d, eps) and (m, radius) (Fig. 4, Alg. 1).",
    config=".config:AdvTrainConfig",
    parallel=True,
    presets={"smoke": _SMOKE, "quick": {}, "paper": _PAPER},
    costs={"quick": Cost(0.6), "paper": Cost(88, gigabytes=2)},
)
