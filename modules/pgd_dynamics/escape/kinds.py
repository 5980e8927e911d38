"""Kinds of points at which a descent on the sphere can end; light, for measuring and analysing."""

MINIMUM, MOVING, SADDLE, UNDECIDED, LOWER = "minimum", "not stationary", "saddle", "undecided", "lower nearby"
KINDS = (MINIMUM, MOVING, SADDLE, UNDECIDED, LOWER)
