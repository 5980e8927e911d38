"""The phase transition from clean to adversarial training, and its critical attack strength eps_star."""

from suite.plugin import Cost, Module, Study

# Measured on one core, but for those of a GPU: derived from their arithmetic at 30 TFLOP/s, not run for lack of one.
module = Module(
    name="phase_transition",
    summary="From clean to adversarial training: the critical attack strength eps_star.",
    paper="Xing, Song, Cheng, Phase Transition from Clean Training to Adversarial Training (NeurIPS 2022)",
    studies=("linear", "two_layer", "epsilon_star", "connectivity", "overfitting", "fine_tune"),
    flat_studies={},
)
