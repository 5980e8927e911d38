"""Speed of LinBP's I-FGSM against its peers, interleaved in one run; ratios are what counts.

    python benchmarks/attack_speed.py [--nets resnet50,vgg16,...] [--repeats 3] [--device cpu|cuda]

CPU: one thread, CPU time, fp32. Random weights, batch norms calibrated on random images, K = 10, batch 32. Peers: a
plain loop with the reference implementation's detach trick, and Foolbox's LinfBasicIterativeAttack with frozen weights
on the same model. Ours reads the K-th step of every sample (no early stop) unless a column says otherwise.
"""

import argparse
import statistics
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import foolbox
import torch
from timing import in_turns, write
from torch import Tensor, nn
from torch.nn import functional as F

from modules.linbp import linbp
from suite.attacks import Engine, Settings, exact_engine, fast_engine, foolbox_model, frozen, iterate
from suite.models import ZOO, Classifier, ModelInfo

STEPS, STEP, EPS, BATCH = 10, 2 / 255, 8 / 255, 32
NETS = ("resnet50", "densenet161", "vgg16", "mobilenetv2")


class DetachReLU(nn.Module):
    """The reference implementation: the rectifier's value, the identity's gradient (corrected for ReLU6)."""

    def __init__(self, rectifier: nn.Module) -> None:
        super().__init__()
        self.rectifier = rectifier
        rectifier.inplace = False

    def forward(self, z: Tensor) -> Tensor:
        if isinstance(self.rectifier, nn.ReLU):
            return z + F.relu(-z).detach()
        return z + (self.rectifier(z) - z).detach()


def trick(model: nn.Module, whole: bool) -> nn.Module:
    """Edits a zoo network as the reference implementation does: at the paper's position, or everywhere."""
    network = model.network
    tails = {
        "VGG": lambda name: name.startswith("classifier") or name in ("features.36", "features.39", "features.42"),
        "ResNet": lambda name: name.startswith("layer4"),
        "DenseNet": lambda name: "transition3" in name or "denseblock4" in name,
        "MobileNetV2": lambda name: name.startswith(("features.17", "features.18")),
    }
    in_tail = tails[type(network).__name__]
    for name, module in list(network.named_modules()):
        if isinstance(module, nn.ReLU | nn.ReLU6) and (whole or in_tail(name)):
            parent, _, leaf = name.rpartition(".")
            setattr(network.get_submodule(parent), leaf, DetachReLU(module))
    if type(network).__name__ == "DenseNet":  # its last rectifier is a function call

        def forward(x: Tensor) -> Tensor:
            z = network.features(x)
            pooled = F.adaptive_avg_pool2d(z + F.relu(-z).detach(), 1)
            return network.classifier(pooled.flatten(1))

        network.forward = forward
    return model


def plain_loop(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """I-FGSM as one writes it by hand; returns which images fool the model."""
    x = images
    for _ in range(STEPS):
        x = x.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(F.cross_entropy(model(x), labels, reduction="sum"), x)
        x = torch.clamp(images + torch.clamp(x.detach() + STEP * gradient.sign() - images, -EPS, EPS), 0, 1)
    with torch.no_grad():
        return model(x).argmax(1) != labels


def foolbox_loop(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    attack = foolbox.attacks.LinfBasicIterativeAttack(abs_stepsize=STEP, steps=STEPS)
    with foolbox_model(model) as target:
        return attack(target, images, labels, epsilons=EPS)[2]


def ours(engine: Engine, settings: Settings) -> Callable[[Tensor, Tensor], Tensor]:
    """Our loop; a fast engine's claims are judged by the true model, at the end where that is all that is read."""

    def run(images: Tensor, labels: Tensor) -> Tensor:
        judge = engine.judge if settings.early_stop else None
        attacked = iterate(engine.differentiate, engine.predict, images, labels, (EPS,), settings, judge=judge)
        if judge is not None or engine.judge is None:
            return attacked.fooled[0, :, -1]
        with torch.no_grad():
            return engine.judge(attacked.adversarials[0]).argmax(1) != labels

    return run


def calibrated(name: str, device: str) -> Classifier:
    torch.manual_seed(0)
    entry = ZOO[name]
    network = entry.build(3, 32, 10)
    info = ModelInfo(name, name, "random images", "", None, "random weights")
    model = Classifier(network, info, mean=entry.mean, std=entry.std, linbp_start=entry.linbp_start)
    model = model.to(device).train()
    with torch.no_grad():
        for _ in range(10):
            model(torch.rand(64, 3, 32, 32, device=device))
    return model.eval()


def compare(name: str, whole: bool, repeats: int, device: str) -> None:
    """Prints one row: images x steps per second of each way, and our ratios to the better peer."""
    model = calibrated(name, device)
    images = torch.rand(BATCH, 3, 32, 32, device=device)
    with torch.no_grad():
        labels = model(images).argmax(1)
    start = 0 if whole else model.linbp_start
    settings = Settings(STEPS, STEP, early_stop=False)
    reference = trick(calibrated(name, device), whole)
    with frozen(model, reference):
        exact = exact_engine(model, lambda m: linbp(m, start), images)
        fast = fast_engine(model, lambda m: linbp(m, start), images)
        ways = {
            "detach loop": lambda x, y: plain_loop(reference, x, y),
            "Foolbox BIM": lambda x, y: foolbox_loop(reference, x, y),
            "ours": ours(exact, settings),
            "ours --fast": ours(fast, settings),
            "ours --fast, early stop": ours(fast, replace(settings, early_stop=True)),
        }
        seconds, fooled = in_turns({way: partial(work, images, labels) for way, work in ways.items()}, repeats, device)
    rate = {way: BATCH * STEPS / statistics.median(times) for way, times in seconds.items()}
    peer = max(rate["detach loop"], rate["Foolbox BIM"])
    agree = float((fooled["ours"] == fooled["detach loop"]).double().mean())
    cells = " | ".join(
        f"{value:.1f}" if way in ("detach loop", "Foolbox BIM") else f"{value:.1f} ({value / peer:.2f}x)"
        for way, value in rate.items()
    )
    facts = f"{exact.facts['engine']}, {fast.facts['layout']}, signs agree {fast.facts['sign_agreement']:.4f}"
    write(f"| {name} | {'all' if whole else start} | {cells} | {agree:.2f} | {facts} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nets", default=",".join(NETS))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    write(f"torch {torch.__version__}, {arguments.device}, 1 thread, K={STEPS}, batch {BATCH}; images x steps / s")
    ways = "detach loop | Foolbox BIM | ours | ours --fast | ours --fast, early stop"
    write(f"| net | start | {ways} | same successes | facts |")
    write("|---|---|---|---|---|---|---|---|---|")
    for whole in (False, True):
        for name in arguments.nets.split(","):
            compare(name, whole, arguments.repeats, arguments.device)


if __name__ == "__main__":
    main()
