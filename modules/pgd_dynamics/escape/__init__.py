"""How fast does PGD leave the worst starts on real images? Deng et al. 2020, Fig. 2 and 3.

The paper speaks of local maxima of L = -loss: points of the sphere |delta| = eps where the adversary's loss has a local
minimum. They are found by descent on the sphere, checked one by one, and left by projected gradient ascent.
"""

from suite.plugin import Cost, Study

study = Study(
    question="How fast PGD leaves local minima of the loss on images, by input scale and epoch (Fig. 2, 3).",
    config=".config:EscapeConfig",
    presets={
        "smoke": {
            "model": "two-layer(width=10)",
            "scales": (1, 10),
            "ratios": (0.1, 1),
            "steps": 10,
            "descent": 10,
            "samples": 4,
            "seeds": 1,
            "epochs": (0, 1),
            "training_steps": 1,
            "train_limit": 50,
        },
        "quick": {},
        "paper": {
            "model": "mnist-cnn",
            "dataset": "mnist",
            "activation": "relu",
            "scales": (0.1, 1.0, 10.0, 100.0),
            "steps": 1000,
            "descent": 1000,
            "samples": 20,
            "seeds": 3,
            "epochs": (0, 1, 10),
            "train_limit": 10_000,
        },
    },
    costs={"quick": Cost(1.3), "paper": Cost(200, gigabytes=1.5)},
)
