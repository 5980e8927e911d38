"""The phase transition from clean to adversarial training, and its critical attack strength eps_star."""

from suite.plugin import Module

module = Module(
    name="phase_transition",
    summary="From clean to adversarial training: the critical attack strength eps_star.",
    paper="Xing, Song, Cheng, Phase Transition from Clean Training to Adversarial Training (NeurIPS 2022)",
    studies=("linear", "two_layer", "epsilon_star", "connectivity", "overfitting", "fine_tune"),
)
