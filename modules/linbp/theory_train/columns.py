"""What the tables of `linbp.theory_train` hold; light, since `suite info` shows them."""

from modules.linbp.glossary import SIMULATED, ahead, by_step, condition
from suite.glossary import CLAIMS, Table

COLUMNS = {
    **SIMULATED,
    "quantity": "l1 distance to the teacher's weights w*, or the loss on the step's samples",
    "loss bp": "loss of Eq. 17 on the step's own samples under backpropagation",
    "loss linbp": "the same under LinBP",
    "held simulated N": "share of coordinates for which Eq. 22 has held along simulated BP, in [0, 1]",
    "held expected N": "the same along expected BP",
}

TABLES = {
    "claims": CLAIMS,
    "by_step": by_step("quantity", "distance or loss"),
    "ahead": ahead("quantity", "distance or loss"),
    "condition": condition("Eq. 22"),
    "curves": Table(
        "a run at one step that is read",
        "run, step, bp, linbp, expected bp, expected linbp, loss bp, loss linbp, held simulated N, held expected N",
    ),
}
