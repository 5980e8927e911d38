"""I-FGSM and LinBP beside the attack libraries, interleaved in one run; ratios are what counts.

    pip install --no-deps torchattacks adv-lib adversarial-robustness-toolbox tqdm requests
    python benchmarks/peer_attacks.py [--nets resnet20,vgg16,...] [--steps 3,10,50] [--repeats 5] [--same-memory]

CPU, one thread, CPU time. Random weights, batch norms calibrated on random images, no early stop. Each way ends with
which images are fooled: a last forward pass, which Foolbox and ours make themselves and the others are given. No peer
has LinBP: there they attack the model with the reference implementation's detach trick. Weights are frozen, but for
the loop that is called unfrozen, which calls `backward()` as tutorials do. A library that is not installed is left out.

Peers run in a process of their own, with memory as Python's processes have it; ours in one as the command has it, which
keeps what it frees (suite.host.allocator). `--same-memory` gives it to the peers as well.
"""

import argparse
import statistics
import sys
import types
from collections.abc import Callable, Mapping
from importlib import import_module
from multiprocessing import get_context
from typing import Any

import foolbox
import torch
from attack_speed import EPS, STEP, calibrated, trick
from timing import clock, write
from torch import Tensor, nn
from torch.nn import functional as F

from modules.linbp import linbp
from suite.attacks import Engine, Settings, exact_engine, fast_engine, foolbox_model, iterate
from suite.gradients import bp
from suite.host.allocator import keep_freed_memory
from suite.models.cifar_resnet import Block

Attack = Callable[[Tensor, Tensor], Tensor]
Way = Callable[[], Tensor]

NETS = ("resnet20", "resnet56", "vgg16", "mobilenetv2")
PEERS = ("frozen loop", "unfrozen loop", "Foolbox", "torchattacks", "adv-lib", "ART")


class DetachBlock(Block):
    """A block of a CIFAR ResNet whose rectifiers have the identity's gradient."""

    def forward(self, x: Tensor) -> Tensor:
        branch = self.bn2(self.conv2(_linear(self.bn1(self.conv1(x)))))
        if self.padding:
            x = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.padding, self.padding))
        return _linear(branch + x)


def _linear(z: Tensor) -> Tensor:
    return z + F.relu(-z).detach()


def linearised(name: str) -> nn.Module:
    """A net of the zoo with the detach trick where LinBP starts in it."""
    model = calibrated(name, "cpu")
    if not name.startswith("resnet"):
        return trick(model, whole=False)
    for block in model.network.get_submodule(str(model.linbp_start)):
        block.__class__ = DetachBlock
    return model


def loop(model: nn.Module, steps: int, *, is_frozen: bool) -> Attack:
    """I-FGSM as one would write it."""

    def attack(images: Tensor, labels: Tensor) -> Tensor:
        x = images
        low, high = (images - EPS).clamp_min(0), (images + EPS).clamp_max(1)
        for _ in range(steps):
            x = x.detach().requires_grad_()
            loss = F.cross_entropy(model(x), labels)
            if is_frozen:
                (gradient,) = torch.autograd.grad(loss, x)
            else:
                model.zero_grad()
                loss.backward()
                gradient = x.grad
            x = (x.detach() + STEP * gradient.sign()).clamp(low, high)
        return x

    return attack


def peers(model: nn.Module, unfrozen: nn.Module, steps: int) -> dict[str, Attack]:
    """Each peer's attack, by name."""
    found = {
        "frozen loop": loop(model, steps, is_frozen=True),
        "unfrozen loop": loop(unfrozen, steps, is_frozen=False),
    }
    if torchattacks := _library("torchattacks"):
        found["torchattacks"] = torchattacks.BIM(model, eps=EPS, alpha=STEP, steps=steps)
    sys.modules.setdefault("visdom", types.SimpleNamespace(Visdom=None))  # adv-lib's plots, which are not drawn here
    if adv_lib := _library("adv_lib.attacks"):
        found["adv-lib"] = lambda x, y: adv_lib.pgd_linf(
            model, x, y, EPS, steps=steps, random_init=False, absolute_step_size=STEP
        )
    if evasion := _library("art.attacks.evasion"):
        classifier = import_module("art.estimators.classification").PyTorchClassifier(
            model, nn.CrossEntropyLoss(), (3, 32, 32), 10, clip_values=(0, 1), device_type="cpu"
        )
        method = evasion.BasicIterativeMethod(
            classifier, eps=EPS, eps_step=STEP, max_iter=steps, batch_size=10**6, verbose=False
        )
        found["ART"] = lambda x, y: torch.from_numpy(method.generate(x.numpy(), y.numpy()))
    return found


def _library(name: str) -> types.ModuleType | None:
    try:
        return import_module(name)
    except ImportError:
        return None


def judged(attack: Attack, model: nn.Module, images: Tensor, labels: Tensor) -> Way:
    """Which images are fooled, by one more forward pass."""

    def run() -> Tensor:
        adversarial = attack(images, labels)
        with torch.no_grad():
            return model(adversarial).argmax(1) != labels

    return run


def by_foolbox(model: nn.Module, images: Tensor, labels: Tensor, steps: int) -> Way:
    """Foolbox judges by itself."""

    def run() -> Tensor:
        with foolbox_model(model) as target:
            attack = foolbox.attacks.LinfBasicIterativeAttack(abs_stepsize=STEP, steps=steps)
            return attack(target, images, labels, epsilons=EPS)[2]

    return run


def ours(engine: Engine, images: Tensor, labels: Tensor, steps: int) -> Way:
    """Our loop; what an engine that rounds has found is judged by the model itself."""
    settings = Settings(steps, STEP, early_stop=False)

    def run() -> Tensor:
        found = iterate(engine.differentiate, engine.predict, images, labels, (EPS,), settings)
        if engine.judge is None:
            return found.fooled[0, :, -1]
        with torch.no_grad():
            return engine.judge(found.adversarials[0]).argmax(1) != labels

    return run


def ways_of(side: str, name: str, rule: str, steps: int, batch: int) -> dict[str, Way]:
    """The ways that run in one process, `peers` or `ours`; both build the same model and images."""
    model = calibrated(name, "cpu").requires_grad_(False)
    images = torch.rand(batch, 3, 32, 32)
    with torch.no_grad():
        labels = model(images).argmax(1)
    if side == "ours":
        change = bp if rule == "bp" else linbp
        engines = {
            "ours": exact_engine(model, change, images),
            "--fast": fast_engine(model, change, images),
            "--fast bf16": fast_engine(model, change, images, precision="bf16"),
        }
        return {way: ours(engine, images, labels, steps) for way, engine in engines.items()}
    unfrozen = calibrated(name, "cpu") if rule == "bp" else linearised(name)
    attacked = model if rule == "bp" else linearised(name).requires_grad_(False)
    found = {way: judged(attack, attacked, images, labels) for way, attack in peers(attacked, unfrozen, steps).items()}
    return {**found, "Foolbox": by_foolbox(attacked, images, labels, steps)}


def answer(connection: Any, side: str, keeps: bool, job: tuple[str, str, int, int]) -> None:
    """The life of one side's process: says its ways, then runs the one that is named, until no name comes."""
    torch.set_num_threads(1)
    if keeps:
        keep_freed_memory()
    ways = ways_of(side, *job)
    connection.send([*ways])
    while (way := connection.recv()) is not None:
        begin = clock()
        fooled = ways[way]()
        connection.send((clock() - begin, fooled))


def compare(job: tuple[str, str, int, int], repeats: int, same_memory: bool) -> None:
    """Prints a row: the ways of both sides in turns, after a first round that does not count."""
    context, asked = get_context("spawn"), dict[str, Any]()
    for side in ("peers", "ours"):
        mine, theirs = context.Pipe()
        context.Process(target=answer, args=(theirs, side, side == "ours" or same_memory, job), daemon=True).start()
        asked |= dict.fromkeys(mine.recv(), mine)
    seconds: dict[str, list[float]] = {way: [] for way in asked}
    fooled = {}
    for repeat in range(repeats + 1):
        for way, connection in asked.items():
            connection.send(way)
            taken, fooled[way] = connection.recv()
            if repeat:
                seconds[way].append(taken)
    for connection in {id(connection): connection for connection in asked.values()}.values():
        connection.send(None)
    write(row(*job, seconds, fooled))


def row(
    name: str, rule: str, steps: int, batch: int, seconds: Mapping[str, list[float]], fooled: Mapping[str, Tensor]
) -> str:
    """Images x steps a second: least / median / most; of ours, the median over the fastest peer's."""
    rates = {way: sorted(batch * steps / each for each in times) for way, times in seconds.items()}
    middle = {way: statistics.median(rate) for way, rate in rates.items()}
    best = max((way for way in rates if way in PEERS), key=lambda way: middle[way])
    cells = []
    for way in (*PEERS, "ours", "--fast", "--fast bf16"):
        if way not in rates:
            cells.append("not installed")
            continue
        told = f"{rates[way][0]:.0f} / {middle[way]:.0f} / {rates[way][-1]:.0f}"
        cells.append(told if way in PEERS else f"{told} ({middle[way] / middle[best]:.2f}x)")
    same = float((fooled["ours"] == fooled["frozen loop"]).double().mean())
    return f"| {name} | {rule} | {steps} | {' | '.join(cells)} | {best} | {same:.2f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nets", default=",".join(NETS))
    parser.add_argument("--rules", default="bp,linbp")
    parser.add_argument("--steps", default="3,10,50")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--same-memory", action="store_true")
    asked = parser.parse_args()
    columns = ("net", "rule", "K", *PEERS, "ours", "--fast", "--fast bf16", "fastest peer", "same successes")
    write(f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|")
    for name in asked.nets.split(","):
        for rule in asked.rules.split(","):
            for steps in asked.steps.split(","):
                compare((name, rule, int(steps), asked.batch), asked.repeats, asked.same_memory)


if __name__ == "__main__":
    main()
