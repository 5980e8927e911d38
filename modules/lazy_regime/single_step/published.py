"""What Theorem 3.1 of Wang et al. 2022 says of a single gradient step, as powers of the dimension d."""

POWERS = {"gradient": 0.5, "eta": -1.0, "delta": -0.5, "eta_over_norm": -1.0, "delta_over_norm": -0.5}
"""For |x| = 1: of |grad f|, of the step eta, of the perturbation delta = eta |grad f|, and of both over |x|."""

IN_WORDS = {
    "gradient": "|grad f|",
    "eta": "eta",
    "delta": "|delta|",
    "eta_over_norm": "eta / |x|",
    "delta_over_norm": "|delta| / |x|",
}

PLOTTED = ("gradient", "eta", "delta_over_norm")
"""The panels of Fig. 2, 3, 5 and 6."""
