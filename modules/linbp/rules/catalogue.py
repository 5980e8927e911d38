"""The rules that are compared, as their papers have them; light, since `suite info` lists their names.

Many papers place their rule in ResNet-50: from `layer3.1` on, 25 of 49 rectifier calls deep. In another net the
published place is the call at that depth. What we do not know of ConBP and of TA-Bench, their own place, is taken from
there too.
"""

from dataclasses import dataclass
from typing import Literal

DEPTH = 25 / 49
"""Of `layer3.1` among the rectifier calls of ResNet-50: Guo et al. (NeurIPS 2020) and Wang et al. (NeurIPS 2023)."""

BP = "bp"
"""The rule that all others are compared with."""

PUBLISHED, CALIBRATED, BOTH = "published", "calibrated", "both"
"""Whose place an arm has; `both` where they are one."""

Name = Literal[
    "linbp", "linbp-guo", "linbp-match", "conbp", "silu", "bpa", "sgm", "guided", "half", "rate", "permuted",
    "shuffled", "pna", "tgr", "vdc",
]  # fmt: skip
"""What `--rules` takes."""

Knob = Literal["start", "gate", "lam", ""]
"""What is calibrated: the first rectifier call; the same up to the last map; a factor; nothing."""


@dataclass(frozen=True)
class Entry:
    """A rule of the catalogue.

    Args:
        template: the rule as it is typed, with {} for its place.
        knob: what the place is.
        published: of `start` a depth in [0, 1), or `zoo`: where the model says that LinBP starts; of `lam` the factor.
        source: paper.
        claimed: whether that paper says that the rule transfers better than backpropagation.
    """

    template: str
    knob: Knob
    published: float | Literal["zoo"]
    source: str
    claimed: bool = True


CATALOGUE: dict[str, Entry] = {
    "linbp": Entry("linbp(start={})", "start", "zoo", "Guo et al. (NeurIPS 2020); Li et al. (2022)"),
    "linbp-guo": Entry("linbp(start={},variant=guo)", "start", DEPTH, "Guo et al. (NeurIPS 2020), released code"),
    "linbp-match": Entry("linbp(start={})+match", "start", DEPTH, "TA-Bench: Li et al. (NeurIPS 2023)"),
    "conbp": Entry("match+softplus(beta=0.5,start={})", "start", DEPTH, "Zhang et al. (CVPR 2021 workshop)"),
    "silu": Entry("silu(start={})", "start", DEPTH, "Wang et al. (NeurIPS 2023)"),
    "bpa": Entry("silu(start={})+softpool(temperature=10)", "start", DEPTH, "Wang et al. (NeurIPS 2023)"),
    "sgm": Entry("sgm(lam={})", "lam", 0.2, "Wu et al. (ICLR 2020): 0.2 in ResNet-152"),
    "guided": Entry("guided(start={})", "start", 0.0, "Springenberg et al. (ICLR 2015 workshop)", claimed=False),
    "half": Entry("gated(gate=half,{})", "gate", 0.0, "ours", claimed=False),
    "rate": Entry("gated(gate=rate,{})", "gate", 0.0, "ours", claimed=False),
    "permuted": Entry("gated(gate=permuted,{})", "gate", 0.0, "ours", claimed=False),
    "shuffled": Entry("gated(gate=shuffled,{})", "gate", 0.0, "ours", claimed=False),
    "pna": Entry("pna", "", 0.0, "Wei et al. (AAAI 2022)"),
    "tgr": Entry("tgr", "", 0.0, "Zhang et al. (CVPR 2023)"),
    "vdc": Entry("vdc", "", 0.0, "Zhang et al. (AAAI 2024)"),
}
