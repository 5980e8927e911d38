"""A research suite for adversarial robustness: a host for studies and the laboratory they share."""

__version__ = "0.1.0"
