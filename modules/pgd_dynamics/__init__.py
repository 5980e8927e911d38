"""Dynamics of projected gradient ascent on the loss landscapes of softplus networks."""

from suite.plugin import Cost, Module, Study

# Measured on one core are the quick presets; the paper's follow from smaller runs, by networks, steps and sizes.
module = Module(
    name="pgd_dynamics",
    summary="Landscapes and convergence of first-order adversaries on softplus networks.",
    paper="Deng, He, Huang, Su, Towards Understanding the Dynamics of the First-Order Adversaries (ICML 2020)",
    studies=(
        "landscape",
        "single_minimum",
        "convergence",
        "rules",
        "input_scale",
    ),
    flat_studies={
        "escape": Study(
            question="How fast PGD leaves local minima of the loss on images, by input scale and epoch (Fig. 2, 3).",
            config="modules.pgd_dynamics.escape:EscapeConfig",
            results=None,
            figures=None,
            measure="modules.pgd_dynamics.escape:escape",
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
        ),
    },
)
