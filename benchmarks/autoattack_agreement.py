"""Our AutoAttack beside a reference's on a robustly trained net: robust accuracy, and images on which they differ.

    python benchmarks/autoattack_agreement.py [--limit 150] [--seed 0] [--reference torchattacks] [--members]

`digits-cnn` is trained adversarially (PGD-10, eps 0.1) on the embedded digits, in under a minute. The reference is the
package torchattacks, which has no l1, or autoattack, the authors' own, where that is installed; with the latter
`--members` compares the attacks one by one, too. Draws differ, and torchattacks has another schedule of Square: an
image at the edge may fall in one run and not in another. `se` is the standard error of a rate of that many images.
"""

import argparse
import sys
import time
from collections.abc import Callable
from math import sqrt

import torch
from torch import Tensor, nn

from suite import data, models
from suite.attacks import MEMBERS, Adversary, Autograd, Settings, autoattack, frozen
from suite.attacks.ball import BallNorm, lengths
from suite.training import fit

Case = tuple[nn.Module, Tensor, Tensor, BallNorm, float, int, tuple[str, ...]]
Run = Callable[[nn.Module, Tensor, Tensor, BallNorm, float, int, tuple[str, ...]], Tensor]
"""(model, images, labels, norm, eps, seed, members) -> which images stay right, (N,)."""
CASES: tuple[tuple[BallNorm, float], ...] = (("linf", 0.2), ("linf", 0.15), ("l2", 0.7), ("l1", 1.4))
NAMES = dict(zip(MEMBERS, ("apgd-ce", "apgd-t", "fab-t", "square"), strict=True))


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--limit", type=int, default=150)
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--reference", choices=("torchattacks", "autoattack"), default="torchattacks")
    asked.add_argument("--members", action="store_true")
    given = asked.parse_args()
    torch.set_num_threads(1)
    model, images, labels = robust_net(given.limit)
    reference = by_torchattacks if given.reference == "torchattacks" else by_the_authors
    say(f"{len(images)} images that the net gets right; robust accuracy in %, reference {given.reference}")
    say(f"{'norm':5} {'eps':>5} {'attack':8} {'ours':>6} {'theirs':>6} {'se':>5} {'differ':>7} {'seconds':>14}")
    alone = [(member,) for member in MEMBERS] if given.members and given.reference == "autoattack" else []
    with frozen(model):
        for norm, eps in CASES if given.reference == "autoattack" else CASES[:-1]:
            for members in (MEMBERS, *alone):
                case = (model, images, labels, norm, eps, given.seed, members)
                say(f"{norm:5} {eps:5} {'all' if len(members) > 1 else members[0]:8} {compared(mine, reference, case)}")


def compared(one: Run, other: Run, case: Case) -> str:
    """Both rates, the reference's standard error, images on which they differ, and the processor's seconds of both."""
    seconds, right = [], []
    for run in (one, other):
        begin = time.process_time()
        right.append(run(*case))
        seconds.append(time.process_time() - begin)
    rates = [float(each.double().mean()) for each in right]
    error = sqrt(rates[1] * (1 - rates[1]) / len(right[1]))
    differ = int((right[0] != right[1]).sum())
    return (
        f"{100 * rates[0]:6.1f} {100 * rates[1]:6.1f} {100 * error:5.1f} {differ:7} {seconds[0]:6.1f} {seconds[1]:6.1f}"
    )


def robust_net(limit: int) -> tuple[nn.Module, Tensor, Tensor]:
    """An adversarially trained net, and test images that it gets right."""
    digits = data.load("digits")
    architecture = models.architecture("digits-cnn", digits)
    model = architecture.initial(0)
    adversary = Adversary(model, 0.1, Settings(10, 0.025))
    fit(model, digits.train.pixels(), digits.train.targets(), architecture.entry.recipe, seed=0, adversary=adversary)
    model.eval()
    images, labels = digits.test.pixels(), digits.test.targets()
    with torch.no_grad():
        right = (model(images).argmax(1) == labels).nonzero()[:limit, 0]
    return model, images[right], labels[right]


def mine(
    model: nn.Module, images: Tensor, labels: Tensor, norm: BallNorm, eps: float, seed: int, members: tuple[str, ...]
) -> Tensor:
    """Which images stay right under ours."""
    ids = torch.arange(len(images))
    found = autoattack(Autograd(model), model, images, labels, eps, ids=ids, seed=seed, norm=norm, members=members)
    return found.fooled_by < 0


def by_torchattacks(
    model: nn.Module, images: Tensor, labels: Tensor, norm: BallNorm, eps: float, seed: int, members: tuple[str, ...]
) -> Tensor:
    """Which images stay right under torchattacks', all members together."""
    import torchattacks

    attack = torchattacks.AutoAttack(model, norm=norm.capitalize(), eps=eps, n_classes=10, seed=seed)
    return still_right(model, attack(images, labels), images, labels, norm, eps)


def by_the_authors(
    model: nn.Module, images: Tensor, labels: Tensor, norm: BallNorm, eps: float, seed: int, members: tuple[str, ...]
) -> Tensor:
    """Which images stay right under the authors'."""
    from autoattack import AutoAttack

    attack = AutoAttack(model, norm=norm.capitalize(), eps=eps, seed=seed, verbose=False, device="cpu")
    attack.attacks_to_run = [NAMES[member] for member in members]
    return still_right(model, attack.run_standard_evaluation(images, labels), images, labels, norm, eps)


def still_right(
    model: nn.Module, candidates: Tensor, images: Tensor, labels: Tensor, norm: BallNorm, eps: float
) -> Tensor:
    """Judged as ours are: a candidate that has left the ball fools nobody."""
    within = lengths(candidates - images, norm) <= eps * (1 + 1e-4)
    with torch.no_grad():
        return ~((model(candidates).argmax(1) != labels) & within)


def say(line: str) -> None:
    """A line, at once: the whole takes minutes."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
