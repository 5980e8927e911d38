"""How often an attack looks at who is fooled, and lets them go: each time the host waits for the device."""

import torch

WINDOW = 5  # steps between two looks where they cost more than the work that they save


def window_on(device: torch.device) -> int:
    """Steps between two looks: on a CPU there is nothing to wait for, and each saves work."""
    return 1 if device.type == "cpu" else WINDOW
