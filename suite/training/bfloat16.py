"""Whether a device computes in bfloat16 or only imitates it."""

import logging

import torch

log = logging.getLogger("suite")


def warn_where_imitated(device: torch.device, what: str = "training") -> None:
    """One line where bfloat16 costs time: without instructions for it a convolution takes several times as long."""
    if device.type == "cpu" and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        log.warning("this processor has no bfloat16 instructions: %s in bfloat16 is slower here than without", what)
