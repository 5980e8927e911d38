"""What `linbp.transfer` costs as surrogates and victims are added: image gradients counted, and CPU seconds.

    python benchmarks/transfer_cost.py [--limit 60] [--steps 40]

Small networks on the embedded digits, one thread. A loop over pairs would make each set once per victim; here it is
made once. `pairs` is what such a loop would take: surrogates times victims times the cost of one pair.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn

from modules.linbp.transfer.config import TransferConfig
from modules.linbp.transfer.transfer_matrix import TransferMatrix
from suite.attacks import frozen
from suite.host.registry import Registry
from suite.host.run import Run, prepare

SURROGATES = ("mnist-cnn(width=32)", "mnist-cnn(width=48)", "mnist-cnn(width=64)")
VICTIMS = ("digits-cnn", "mnist-cnn", "mnist-cnn(width=96)")


@contextmanager
def counted(*models: nn.Module) -> Iterator[dict[bool, int]]:
    """Rows that the models' forward passes see within the block: with a gradient to come, and without."""
    rows = {True: 0, False: 0}

    def count(module: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        rows[inputs[0].requires_grad] += len(inputs[0])

    hooks = [model.register_forward_hook(count) for model in models]
    try:
        yield rows
    finally:
        for hook in hooks:
            hook.remove()


def cost(run: Run, config: TransferConfig) -> tuple[int, int, float]:
    """Rows differentiated, rows only classified, and CPU seconds of all sets of a matrix."""
    models = {ref: run.model(ref) for ref in (*config.surrogates, *config.victims)}
    with frozen(*models.values()), counted(*models.values()) as rows:
        begin = time.process_time()
        matrix = TransferMatrix(config, run)
        for surrogate in config.surrogates:
            for gradient in config.gradients:
                source = matrix.source(surrogate, gradient)
                for method in config.methods:
                    matrix.rows(source, method, matrix.ids)
        return rows[True], rows[False], time.process_time() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=int, default=60)
    parser.add_argument("--steps", type=int, default=40)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    lines = [
        f"linbp.transfer on digits, {arguments.limit} images chosen, {arguments.steps} steps, 1 thread",
        "| surrogates | victims | images differentiated | images classified | CPU s | pairs, CPU s | ratio |",
        "|---|---|---|---|---|---|---|",
    ]
    pair = 0.0
    registry = Registry()
    for s, v in ((1, 1), (1, 2), (1, 3), (2, 1), (3, 1), (3, 3)):
        config = TransferConfig(
            surrogates=SURROGATES[:s], victims=VICTIMS[:v], limit=arguments.limit, steps=arguments.steps
        )
        with tempfile.TemporaryDirectory() as root:
            run = prepare("linbp.transfer", config, registry, root=Path(root), device="cpu")
            cost(run, config.model_copy(update={"steps": 1}))  # the first use of anything is slower
            differentiated, classified, seconds = cost(run, config)
        pair = pair or seconds
        pairs = f"{s * v * pair:.2f} | {s * v * pair / seconds:.2f}x"
        lines.append(f"| {s} | {v} | {differentiated:,} | {classified:,} | {seconds:.2f} | {pairs} |")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
