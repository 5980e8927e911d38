"""What the arms of `linbp.gates` are called; light, since results need no torch."""

BP = "bp"
"""The arm that is backpropagation, and what all others are compared with."""


def arm_name(gate: str, position: str, first: str) -> str:
    """The gate; with its position where that is not the first one."""
    return gate if position == first else f"{gate}@{position}"
