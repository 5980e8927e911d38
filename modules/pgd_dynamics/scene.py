"""The old name of `draws`, until `rules` has moved."""

from modules.pgd_dynamics.draws import directions, draw, network_seeds

__all__ = ["directions", "draw", "network_seeds"]
