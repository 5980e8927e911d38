"""Networks near their initialisation (the lazy regime), which fall to a single gradient step."""

from suite.plugin import Module

module = Module(
    name="lazy_regime",
    summary="Networks near initialisation, and the single gradient step that flips their sign.",
    paper="Wang, Ullah, Mianjy, Arora, Adversarial Robustness is at Odds with Lazy Training (NeurIPS 2022)",
    studies=("single_step", "adv_train", "theory", "dial"),
)
