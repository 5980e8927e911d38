"""Finished and failed runs shown to a tracker; the run directories stay the truth."""
