"""How many steps a budget buys; light, since results need no torch."""

TOLERANCE = 0.01
"""Share of a pass that a rule may need beyond whole ones without losing a step."""


def steps_within(passes: int, passes_per_step: float) -> int:
    """Steps that a budget of forward and backward passes buys, at least one.

    A rule whose step needs less than a pass buys no more than backpropagation does: its steps are cheaper, not more.
    """
    return max(1, int(passes / max(1.0, passes_per_step / (1 + TOLERANCE))))
