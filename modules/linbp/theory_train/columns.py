"""What the tables of `linbp.theory_train` hold; light, since `suite info` shows them."""

from modules.linbp.glossary import SIMULATED, ahead, by_step, condition
from suite.glossary import CLAIMS, Table

COLUMNS = {
    **SIMULATED,
    "quantity": "l1 distance to the teacher's weights w*, or the loss on the step's samples",
    "loss bp": "loss of Eq. 17 on the step's own samples under backpropagation",
    "loss linbp": "loss of Eq. 17 on the step's own samples under LinBP",
    "held simulated N": "share of coordinates for which Eq. 22 has held along simulated BP, in [0, 1]",
    "held expected N": "share of coordinates for which Eq. 22 has held along expected BP, in [0, 1]",
}

TABLES = {
    "claims": CLAIMS,
    "by_step": by_step("quantity", "distance or loss"),
    "ahead": ahead("quantity", "distance or loss"),
    "condition": condition("Eq. 22", "number of units that the condition counts: the samples N"),
    "curves": Table(
        "a run at one step that is read",
        "run, step, bp, linbp, expected bp, expected linbp, loss bp, loss linbp, held simulated N, held expected N",
    ),
}
