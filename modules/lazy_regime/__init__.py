"""Networks near their initialisation (the lazy regime), which fall to a single gradient step."""

from suite.plugin import Cost, Module, Study

# On 2 cores in a quarter of an hour; the released code trains for up to 1000 epochs.
_SINGLE_STEP: dict[str, object] = {
    "dataset": "mnist",
    "sizes": (5, 10, 14, 20, 28),
    "widths": (100, 1000, 10_000),
    "c0s": (3, 5, 10),
    "epochs": 8,
}

# Costs were measured on one core, of the paper presets on one of a busy machine.
module = Module(
    name="lazy_regime",
    summary="Networks near initialisation, and the single gradient step that flips their sign.",
    paper="Wang, Ullah, Mianjy, Arora, Adversarial Robustness is at Odds with Lazy Training (NeurIPS 2022)",
    flat_studies={
        "single_step": Study(
            question="Smallest gradient step that flips a lazily trained net, against d, m and C0 (Fig. 2, 3, 5-7).",
            config="modules.lazy_regime.single_step:SingleStepConfig",
            results=None,
            figures=None,
            measure="modules.lazy_regime.single_step:single_step",
            presets={
                "smoke": {
                    "sizes": (3, 5),
                    "widths": (20,),
                    "c0s": (2, 5),
                    "networks": 2,
                    "epochs": 3,
                    "train_limit": 40,
                    "test_limit": 20,
                },
                "quick": {},
                # Fig. 2, 3 and 7: the released code trains on pixels as they are, and with biases.
                "paper": _SINGLE_STEP | {"unit_norm": False, "biases": True},
                # Fig. 5 and 6: |x| = 1 and no biases, the theory's setting.
                "appendix": _SINGLE_STEP,
            },
            costs={"quick": Cost(0.2), "paper": Cost(63, gigabytes=3)},
        ),
        "adv_train": Study(
            question="Projected adversarial training: robust accuracy over (d, eps) and (m, radius) (Fig. 4, Alg. 1).",
            config="modules.lazy_regime.adv_train:AdvTrainConfig",
            results=None,
            figures=None,
            measure="modules.lazy_regime.adv_train:adv_train",
            presets={
                "smoke": {
                    "sizes": (3, 4),
                    "epsilons": (0.1, 0.3),
                    "width": 10,
                    "widths": (10, 20),
                    "radii": (0.5, 1.0),
                    "size": 3,
                    "attack_steps": 3,
                    "train_steps": 3,
                    "epochs": 3,
                    "networks": 1,
                    "train_limit": 20,
                    "test_limit": 20,
                },
                "quick": {},
                # Half an hour on one core. Rate x steps an epoch is 4, as in the released command on all 12,665 images.
                "paper": {
                    "dataset": "mnist",
                    "sizes": (5, 8, 12, 18, 28),
                    "epsilons": (0.05, 0.08, 0.12, 0.18, 0.28, 0.42, 0.65),
                    "width": 1000,
                    "widths": (100, 250, 600, 1500),
                    "radii": (0.03, 0.045, 0.07, 0.1, 0.15, 0.22, 0.33, 0.5, 0.75, 1.1, 1.7),
                    "size": 10,
                    "eps": 0.2,
                    "learning_rate": 0.4,
                    "epochs": 100,
                    "networks": 5,
                    "train_limit": 320,
                    "test_limit": 500,
                },
            },
            costs={"quick": Cost(0.6), "paper": Cost(88, gigabytes=2)},
        ),
        "theory": Study(
            question="The proof's links and bounds on given nets, its condition, the worst net of the ball (Sec. 4).",
            config="modules.lazy_regime.proof:TheoryConfig",
            results=None,
            figures=None,
            measure="modules.lazy_regime.proof:theory",
            presets={
                "smoke": {
                    "sizes": (3, 4),
                    "widths": (20,),
                    "c0s": (0, 1),
                    "networks": 2,
                    "points": 2,
                    "ratios": (1.5, 3),
                    "draws": 2,
                    "ascent": 4,
                    "restarts": 0,
                    "resisting": 1,
                    "search": 1,
                    "epochs": 3,
                    "train_limit": 20,
                },
                "quick": {},
                "paper": {
                    "dataset": "mnist",
                    "sizes": (5, 10, 14, 20, 28),
                    "widths": (300, 1000),
                    "c0s": (0, 1, 3, 10),
                    "networks": 10,
                    "points": 10,
                    "resisting": 4,
                    "search": 20,
                    "epochs": 6,
                },
            },
            costs={"quick": Cost(0.4), "paper": Cost(25, gigabytes=1.8)},
        ),
        "dial": Study(
            question="Flips by one step and by many, against the lazy ball's radius and the kernel's drift.",
            config="modules.lazy_regime.dial:DialConfig",
            results=None,
            figures=None,
            measure="modules.lazy_regime.dial:dial",
            presets={
                "smoke": {
                    "size": 4,
                    "widths": (20,),
                    "c0s": (0, 1, 3),
                    "networks": 2,
                    "epochs": 3,
                    "steps": 3,
                    "train_limit": 40,
                    "test_limit": 10,
                },
                "quick": {},
                "paper": {"dataset": "mnist", "size": 14, "epochs": 50, "test_limit": 200},
            },
            costs={"quick": Cost(0.4), "paper": Cost(26, gigabytes=1.2)},
        ),
    },
)
