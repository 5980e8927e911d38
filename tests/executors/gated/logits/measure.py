"""What nets say."""

import torch

from gated.gate import pass_gate
from gated.logits.config import LogitsConfig
from suite.measuring import Run


def measure(config: LogitsConfig, run: Run) -> None:
    """The logits of three test images."""
    images = run.dataset(config.dataset).test.pixels(device=run.device)[:3]
    for ref in config.models:
        pass_gate(f"logits-{run.seed}")
        with torch.no_grad():
            run.table("logits").extend(
                run.once(ref, lambda ref=ref: {"model": [ref] * 30, "logit": run.model(ref)(images).flatten().numpy()})
            )
