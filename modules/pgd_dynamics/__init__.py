"""Dynamics of projected gradient ascent on the loss landscapes of softplus networks."""

from suite.plugin import Module

module = Module(
    name="pgd_dynamics",
    summary="Landscapes and convergence of first-order adversaries on softplus networks.",
    paper="Deng, He, Huang, Su, Towards Understanding the Dynamics of the First-Order Adversaries (ICML 2020)",
    studies=(
        "landscape",
        "single_minimum",
        "convergence",
        "rules",
        "escape",
        "input_scale",
    ),
)
