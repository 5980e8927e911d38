"""Running statistics of batch norm for weights that no training has visited, such as a point between two models."""

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm as BatchNorm

from suite.training.batches import as_pixels
from suite.training.mode import in_mode


def has_batch_norm(model: nn.Module) -> bool:
    """Whether the model normalises by running statistics."""
    return any(module.track_running_stats for module in model.modules() if isinstance(module, BatchNorm))


def recompute_batch_norm(model: nn.Module, images: torch.Tensor, batch_size: int = 500) -> None:
    """Replaces running means and variances by those of the images: averages over batches, weighted by their sizes.

    One pass without gradients, in which batch norm alone is in train mode: each layer sees what the layers before it
    make of the batch by the batch's own statistics (Garipov et al. 2018; Izmailov et al. 2018). Models without batch
    norm are left alone. Modes are as before afterwards.

    Args:
        model: pixels in [0, 1] to logits, on the device of the images.
        images: (N, C, H, W), uint8 or float pixels in [0, 1].
        batch_size: of the largest batch; batches differ by one image at most.
    """
    if not has_batch_norm(model):
        return
    norms = {m: m.momentum for m in model.modules() if isinstance(m, BatchNorm) and m.track_running_stats}
    seen = 0
    with in_mode(model, training=False), torch.no_grad():
        for module in norms:
            module.train()
            module.reset_running_stats()
        for batch in images.tensor_split(-(-len(images) // batch_size)):
            seen += len(batch)
            for module in norms:
                module.momentum = len(batch) / seen
            model(as_pixels(batch))
    for module, momentum in norms.items():
        module.momentum = momentum
