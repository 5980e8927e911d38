"""Do wide two-layer nets from a vanishing start follow the linear model, also under attack? Xing et al. 2022, Prop. 1.

f(x) = sum_j a_j phi(x^T theta_j) / sqrt(h), a_j fixed, theta_j ~ N(0, I_d / (d h^(1+decay))), trained with the learning
rate h / (|a|^2 phi'(0)^2) times the linear model's, clean and adversarially. Followed by width: the distance of
phi'(0) sum_j a_j theta_j / sqrt(h) from the linear path, that of the predictions, and that of the losses.
"""

from suite.plugin import Cost, Study

study = Study(
    question="Two-layer nets from a vanishing start come to the linear path as they grow wide (Prop. 1).",
    config=".config:TwoLayerConfig",
    parallel=True,
    presets={
        "smoke": {"sizes": ("4/20",), "widths": (4, 16), "eps": (0, 0.5), "seeds": 2, "steps": 10},
        "quick": {},
        "paper": {"activations": ("softplus", "tanh"), "seeds": 20},
    },
    costs={"quick": Cost(0.4), "paper": Cost(8)},
)
