"""What a backward rule costs: a pass under it over one of plain backpropagation, timed right before.

    python benchmarks/rule_cost.py [--nets resnet56,vit] [--batch 64] [--repeats 9]

CPU, one thread, CPU time; a forward and a backward pass to the input, by autograd alike for all. Random weights, batch
norms calibrated; rules everywhere. Printed: least / median / most of the ratios. Rules that change local derivatives
alone should cost at most 1.15 of a pass; below the line are those that do more. `-`: nothing to change in that net.
"""

import argparse
import statistics
from functools import partial

import torch
from attack_speed import calibrated
from timing import clock, write
from torch import Tensor, nn

from modules.linbp import linbp
from suite.attacks import Autograd, frozen
from suite.errors import SuiteError
from suite.gradients import (
    GradientRule,
    compose,
    deconv,
    gated,
    guided,
    leaky,
    match,
    pna,
    sgm,
    silu,
    softplus,
    softpool,
    tgr,
    vdc,
)
from suite.host.allocator import keep_freed_memory

LOCAL: dict[str, GradientRule] = {
    "linbp": partial(linbp, start="all"),
    "leaky(slope=0.1)": partial(leaky, slope=0.1),
    "softplus(beta=5)": partial(softplus, beta=5),
    "silu": silu,
    "guided": guided,
    "deconv": deconv,
    "gated(gate=half)": partial(gated, gate="half"),
    "gated(gate=rate)": partial(gated, gate="rate"),
    "gated(gate=permuted)": partial(gated, gate="permuted"),
    "sgm(lam=0.5)": partial(sgm, lam=0.5),
    "pna": pna,
}
MORE: dict[str, GradientRule] = {
    "gated(gate=shuffled)": partial(gated, gate="shuffled"),
    "softpool(temperature=10)": partial(softpool, temperature=10),
    "tgr": tgr,
    "linbp+match": compose(partial(linbp, start="all"), match),
    "linbp(variant=guo)": partial(linbp, start="all", variant="guo"),
    "vdc": vdc,
}


def ratios(model: nn.Module, rule: GradientRule, images: Tensor, repeats: int) -> list[float] | None:
    """Seconds of passes under a rule over those of `bp`, ascending; None where it finds nothing to change."""
    try:
        ways = [Autograd(model), Autograd(rule(model))]
        for way in ways:
            way(images, torch.ones_like)
    except SuiteError:
        return None
    found = []
    for _ in range(repeats):
        seconds = []
        for way in ways:
            begin = clock()
            way(images, torch.ones_like)
            seconds.append(clock() - begin)
        found.append(seconds[1] / seconds[0])
    return sorted(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nets", default="resnet56,vit")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=9)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()  # as the command does
    nets = {name: calibrated(name, "cpu") for name in asked.nets.split(",")}
    images = torch.rand(asked.batch, 3, 32, 32)
    write(f"| rule | {' | '.join(nets)} |\n|---|{'---|' * len(nets)}")
    with frozen(*nets.values()):
        for rules in (LOCAL, MORE):
            for name, rule in rules.items():
                cells = [ratios(model, rule, images, asked.repeats) for model in nets.values()]
                told = [f"{c[0]:.2f} / {statistics.median(c):.2f} / {c[-1]:.2f}" if c else "-" for c in cells]
                write(f"| `{name}` | {' | '.join(told)} |")
            write("|---|" + "---|" * len(nets) if rules is LOCAL else "")


if __name__ == "__main__":
    main()
