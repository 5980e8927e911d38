"""What Theorem 3.1 of Wang et al. 2022 says of a single gradient step, as powers of the dimension d."""

POWERS = {
    "gradient": 0.5, "eta": -1.0, "delta": -0.5, "eta_over_norm": -1.0, "delta_over_norm": -0.5, "radius_90": -0.5,
}  # fmt: skip
"""For |x| = 1: of |grad f|, of the step eta, of the perturbation delta = eta |grad f|, of both over |x|, and of the
radius at which 90 % of the points are wrong or flipped (Corollary 3.2)."""

IN_WORDS = {
    "gradient": "|grad f|",
    "eta": "eta",
    "delta": "|delta|",
    "eta_over_norm": "eta / |x|",
    "delta_over_norm": "|delta| / |x|",
    "radius_90": "radius of robust error 0.9, over |x|,",
}

PLOTTED = ("gradient", "eta", "delta_over_norm")
"""The panels of Fig. 2, 3, 5 and 6."""

COROLLARY = "radius_90"
"""Of Corollary 3.2; its 0.9 is our reading, the number is lost from our copy of the text."""
