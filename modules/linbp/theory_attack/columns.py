"""What the tables of `linbp.theory_attack` hold; light, since `suite info` shows them."""

from modules.linbp.glossary import SIMULATED, ahead, by_step, condition
from suite.glossary import CLAIMS, Table

COLUMNS = {
    **SIMULATED,
    "mode": "update: raw gradient, over its l2 norm, or its sign",
    "held simulated d2": "share of coordinates for which Eq. 21 has held along simulated BP, counting d2 units",
    "held expected d2": "share of coordinates for which Eq. 21 has held along expected BP, counting d2 units",
    "held simulated d2 d3": "share of coordinates for which Eq. 21 has held along simulated BP, counting d2 d3 units",
    "held expected d2 d3": "share of coordinates for which Eq. 21 has held along expected BP, counting d2 d3 units",
    "bp length": "l2 norm of backpropagation's first gradient",
    "bp cosine": "cosine between backpropagation's first gradient and the residual x0 - x*, in [-1, 1]",
    "linbp length": "l2 norm of LinBP's first gradient",
    "linbp cosine": "cosine between LinBP's first gradient and the residual x0 - x*, in [-1, 1]",
}

TABLES = {
    "claims": CLAIMS,
    "by_step": by_step("mode", "l1 distance to x*"),
    "ahead": ahead("mode", "l1 distance to x*"),
    "condition": condition("Eq. 21", "number of units that the condition counts: d2 as printed, or d2 d3 as it is"),
    "distances": Table(
        "a run under one mode at one step that is read",
        "run, mode, step, bp, linbp, expected bp, expected linbp, held simulated d2, held expected d2, "
        "held simulated d2 d3, held expected d2 d3",
    ),
    "first_gradients": Table("a run at its start", "run, bp length, bp cosine, linbp length, linbp cosine"),
}
