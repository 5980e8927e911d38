"""Networks near their initialisation (the lazy regime), which fall to a single gradient step."""

from suite.plugin import Cost, Module, Study

# Costs were measured on one core, of the paper presets on one of a busy machine.
module = Module(
    name="lazy_regime",
    summary="Networks near initialisation, and the single gradient step that flips their sign.",
    paper="Wang, Ullah, Mianjy, Arora, Adversarial Robustness is at Odds with Lazy Training (NeurIPS 2022)",
    studies=("single_step", "adv_train", "theory"),
    flat_studies={
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
