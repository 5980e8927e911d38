"""Claims: what a paper says, and whether these numbers can carry it.

A judge answers with one of three words and gives its reason in the note. `cannot be told` is the answer where an
interval is missing or too wide, where the paper's conditions do not hold, where lost runs could turn the answer, and
where too few independent units speak. What a judge counts must be independent: of the starts of one network, or of the
points of one net, it is the networks that count, see `suite.statistics` for clusters.

Every judge takes
    conditions: what the paper assumes and these runs do not fulfil, in words; any of them leaves nothing to judge.
    lost: units that failed, diverged or were not measured, and so are in no estimate and no count. A mean may be turned
        by any one of them; where units are counted, all of them are taken to speak for the side that is behind.
"""

from suite.claims.claim import CANNOT_TELL, DIFFERS, REPRODUCED, SCHEMA, Claim, Judgement, claims_table
from suite.claims.of_counts import (
    Bounds,
    bound,
    censored_comparison,
    everywhere,
    existence,
    majority,
    order,
    order_family,
)
from suite.claims.of_estimates import at_least, at_most, direction, equivalence, number, power

__all__ = [
    "CANNOT_TELL",
    "DIFFERS",
    "REPRODUCED",
    "SCHEMA",
    "Bounds",
    "Claim",
    "Judgement",
    "at_least",
    "at_most",
    "bound",
    "censored_comparison",
    "claims_table",
    "direction",
    "equivalence",
    "everywhere",
    "existence",
    "majority",
    "number",
    "order",
    "order_family",
    "power",
]
