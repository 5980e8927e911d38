"""Options of `lazy_regime.dial`; light, since `suite info` shows them."""

from collections.abc import Mapping
from typing import Any

from modules.lazy_regime.options import LARGEST_IMAGE, C0s, Limit, TextOrCode
from suite.plugin import GradientRef, option


class DialConfig(TextOrCode):
    """Flip sizes and kernel drift of nets trained in lazy balls of every size, and without one."""

    size: int = option(8, "images are made size x size: d = size^2", unit="pixels", ge=1, le=LARGEST_IMAGE)
    c0s: C0s = option(
        (0, 0.1, 0.3, 1, 3, 10, 30), "C0: no neuron is further than C0 / sqrt(m) from its start; 0: at initialisation"
    )
    networks: int = option(8, "nets, with initialisation and order of samples of their own", ge=2, le=1000)
    gradient: GradientRef = option(
        "linbp", "gradient rule along whose direction a single step is also taken; bp: no other"
    )
    steps: int = option(20, "turns of the direction in the search for the nearest flip", unit="steps", ge=1)
    pgd_steps: int = option(
        20, "steps of 2.5 eps / steps of the l2-PGD whose smallest flipping eps is looked for", unit="steps", ge=1
    )
    test_limit: Limit = option(60, "test images, balanced, at which flips and kernel are measured; none: all")

    def data(self, facts: Mapping[str, Any]) -> str:
        """What was trained on and tested, in words; `facts` as measuring noted them."""
        nets = f"{self.networks} nets, {facts['points']} test points each"
        return f"{self.dataset} {' / '.join(self.classes)}, d = {facts['d']}, {nets}"
