"""A figure with nothing in it."""

from matplotlib.figure import Figure

from suite.figures import nothing


def empty() -> tuple[Figure, str]:
    """Nothing."""
    return nothing(), "Nothing to see."
