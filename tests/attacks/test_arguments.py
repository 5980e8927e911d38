"""Settings and batches that no attack can use: one line that names the argument, at once."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from suite.attacks import (
    IFGSM,
    METHODS,
    Adversary,
    Autograd,
    Budget,
    MidLayer,
    Settings,
    SignSteps,
    apgd,
    ball_noise,
    craft,
    differentiator,
    fast_engine,
    foolbox_model,
    ila,
    iterate,
    one_and_many,
    random_starts,
    robustness,
    sign_steps,
)
from suite.errors import SuiteError

NAN, INF = float("nan"), float("inf")
MODEL = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
IMAGES, LABELS = torch.full((3, 1, 2, 2), 0.5), torch.tensor([0, 1, 0])
SETTINGS = Settings(2, 0.1)

BATCHES: dict[str, tuple[Tensor, Tensor, str]] = {
    "whole": ((IMAGES * 255).to(torch.uint8), LABELS, r"images .* torch.uint8 \(give \(N, ...\) pixels in floating"),
    "flat": (IMAGES[0, 0, 0], LABELS[:2], r"images of shape \(2,\)"),
    "real labels": (IMAGES, LABELS.float(), r"labels of shape \(3,\) and type torch.float32 .* as int64\)"),
    "too few labels": (IMAGES, LABELS[:2], r"labels of shape \(2,\) .* for 3 images \(give \(3,\) classes"),
    "one-hot": (IMAGES, torch.eye(2).long()[LABELS], r"labels of shape \(3, 2\)"),
    "unknown class": (IMAGES, LABELS + 1, r"labels from 1 to 2 for a model of 2 classes \(give classes from 0 to 1\)"),
    "negative class": (IMAGES, LABELS - 1, r"labels from -1 to 0 .* \(give classes from 0 to 1\)"),
    "empty": (IMAGES[:0], LABELS[:0], r"the batch is empty \(give at least one image\)"),
}


def attack(name: str, images: Tensor, labels: Tensor) -> Any:
    """The attack of that name on a batch."""
    ids = torch.arange(len(labels))
    if name == "Adversary":
        return Adversary(MODEL, 0.1, SETTINGS)(images, labels)
    if name == "apgd":
        return apgd(Autograd(MODEL), images, labels, 0.1, 3)
    if name == "craft":
        return craft(Autograd(MODEL), images, labels, METHODS["ifgsm"], Budget((0.1,), 2), ids=ids)
    if name == "robustness":
        return robustness(MODEL, images, labels, Adversary(MODEL, 0.1, SETTINGS))
    if name == "IFGSM":
        with foolbox_model(MODEL) as target:
            return IFGSM()(target, images, labels, epsilons=[0.1])
    return iterate(Autograd(MODEL), MODEL, images, labels, (0.1,), SETTINGS)


TAKEN = {("iterate", "empty"), ("IFGSM", "empty"), ("robustness", "whole")}


@pytest.mark.parametrize(
    ("name", "kind"),
    [(name, kind) for name in ("iterate", "IFGSM", "Adversary", "apgd", "craft", "robustness") for kind in BATCHES
     if (name, kind) not in TAKEN],
)  # fmt: skip
def test_batches_are_refused_by_every_attack(name: str, kind: str) -> None:
    images, labels, told = BATCHES[kind]
    with pytest.raises(SuiteError, match=told):
        attack(name, images, labels)


@pytest.mark.parametrize("make", [Settings, SignSteps], ids=lambda make: make.__name__)
@pytest.mark.parametrize(
    ("given", "told"),
    [({"bounds": (1.0, 0.0)}, r"^bounds=\(1.0, 0.0\) \(give the least"),
     ({"steps": 0}, r"^steps=0 \(give a whole number >= 1\)"), ({"steps": -1}, "^steps=-1 "),
     ({"steps": 2.0}, "^steps=2.0 "), ({"steps": True}, "^steps=True "),
     ({"step_size": 0}, r"^step_size=0 \(give a finite number > 0\)"), ({"step_size": -0.1}, "^step_size=-0.1 "),
     ({"step_size": NAN}, "^step_size=nan "), ({"step_size": INF}, "^step_size=inf "),
     ({"step_size": "2/255"}, "^step_size='2/255' "),
     ({"bounds": (0.0, NAN)}, "^bounds=")],
)  # fmt: skip
def test_settings_are_refused_when_made(make: Callable[..., Any], given: dict[str, Any], told: str) -> None:
    with pytest.raises(SuiteError, match=told):
        make(**{"steps": 3, "step_size": 0.1, **given})


@pytest.mark.parametrize(
    ("make", "told"),
    [(lambda: Settings(1, 0.1, "l1"), r"^norm='l1' \(give linf or l2\)"),  # type: ignore[arg-type]
     (lambda: Settings(1, 0.1, loss="cce"), r"^loss='cce' \(give ce or nll_logits or stable_ce"),
     (lambda: Settings(1, 0.1, unit=0.0), "^unit=0.0 "),
     (lambda: SignSteps(1, decay=-0.5), r"^decay=-0.5 \(give a finite number >= 0\)"),
     (lambda: Budget(()), "^epsilons is empty"), (lambda: Budget((0.2, 0.1)), r"^epsilons=\(0.2, 0.1\) are not asc"),
     (lambda: Budget((NAN,)), "^eps=nan "), (lambda: Budget((0.1,), steps=0), "^steps=0 "),
     (lambda: Budget((0.1,), step_size=INF), "^step_size=inf "), (lambda: Budget((0.1,), decay=NAN), "^decay=nan "),
     (lambda: IFGSM(steps=-1), "^steps=-1 "), (lambda: IFGSM(step_size=NAN), "^step_size=nan "),
     (lambda: IFGSM(norm="l1"), "^norm='l1' "),  # type: ignore[arg-type]
     (lambda: IFGSM(loss="?"), r"^loss='\?' "),
     (lambda: IFGSM(seed=-1), r"^seed=-1 \(give a whole number in \[0, 2\^64\)\)"),
     *((lambda eps=eps: Adversary(MODEL, eps, SETTINGS), f"^eps={eps} ") for eps in (0, -0.1, NAN, INF)),
     (lambda: Adversary(MODEL, 0.1, SETTINGS, start="centre"), "^start='centre' "),  # type: ignore[arg-type]
     (lambda: Adversary(MODEL, 0.1, SETTINGS, mode="test"), "^mode='test' "),  # type: ignore[arg-type]
     (lambda: Adversary(MODEL, 0.1, SETTINGS, start="image", against="clean"), "^start='image' with against='clean'")],
)  # fmt: skip
def test_objects_are_refused_when_made(make: Callable[[], Any], told: str) -> None:
    with pytest.raises(SuiteError, match=told):
        make()


@pytest.mark.parametrize(
    ("call", "told"),
    [*((lambda eps=eps: iterate(Autograd(MODEL), MODEL, IMAGES, LABELS, (eps,), SETTINGS), f"^eps={eps} ")
       for eps in (-0.1, NAN, INF)),
     (lambda: iterate(Autograd(MODEL), MODEL, IMAGES, LABELS, (0.2, 0.1), SETTINGS), "are not ascending"),
     (lambda: iterate(Autograd(MODEL), MODEL, IMAGES, LABELS, (), SETTINGS), "^epsilons is empty"),
     (lambda: iterate(Autograd(MODEL), MODEL, IMAGES, LABELS, (0.1,), SETTINGS, start=IMAGES), "^start of shape"),
     (lambda: apgd(Autograd(MODEL), IMAGES, LABELS, -0.1, 3), "^eps=-0.1 "),
     (lambda: apgd(Autograd(MODEL), IMAGES, LABELS, 0.1, 0), "^steps=0 "),
     (lambda: apgd(Autograd(MODEL), IMAGES, LABELS, 0.1, 3, IMAGES[:1]), "^start of shape"),
     (lambda: sign_steps(lambda x, _: x, IMAGES, (0.0,), SignSteps(1)), "^eps=0.0 "),
     (lambda: sign_steps(lambda x, _: x, IMAGES.int(), (0.1,), SignSteps(1)), "torch.int32"),
     (lambda: craft(Autograd(MODEL), IMAGES, LABELS, METHODS["pgd"], Budget((0.1,)), ids=LABELS[:1]), "^ids of shape"),
     (lambda: craft(Autograd(MODEL), IMAGES, LABELS, METHODS["pgd"], Budget((0.1,)), ids=LABELS, seed=-1), "^seed=-1 "),
     (lambda: craft(Autograd(MODEL), IMAGES, LABELS, METHODS["pgd"], Budget((0.1,)), ids=LABELS, loss="x"), "^loss="),
     (lambda: ila(MidLayer(MODEL, "0"), IMAGES, IMAGES[None], Budget((0.1, 0.2))), "^adversarials of shape"),
     (lambda: ball_noise([0], (2,), seed=0, norm="l1"), "^norm='l1' "),
     (lambda: ball_noise([0], (2,), seed=-1, norm="l2"), "^seed=-1 "),
     (lambda: ball_noise([-1], (2,), seed=0, norm="l2"), "^an id in -1 to -1"),
     (lambda: random_starts(IMAGES, IMAGES[:1], (0.1,), SETTINGS), "^noise of shape"),
     (lambda: random_starts(IMAGES, IMAGES, (NAN,), SETTINGS), "^eps=nan "),
     (lambda: robustness(MODEL, IMAGES, LABELS, Adversary(MODEL, 0.1, SETTINGS), batch_size=0), "^batch_size=0 "),
     (lambda: one_and_many(MODEL, IMAGES, LABELS, -1.0), "^eps=-1.0 "),
     (lambda: one_and_many(MODEL, IMAGES, LABELS, 0.1, steps=0), "^steps=0 "),
     (lambda: differentiator(MODEL, IMAGES, "jacobean"), r"^engine='jacobean' \(give auto or jacobian or autograd"),
     (lambda: fast_engine(MODEL, lambda model: model, IMAGES, layout="rows"), "^layout='rows' ")],
)  # fmt: skip
def test_calls_are_refused(call: Callable[[], Any], told: str) -> None:
    with pytest.raises(SuiteError, match=told):
        call()


@pytest.mark.parametrize("epsilons", [-0.1, [0.1, NAN], INF, [], "0.1"])
def test_radii_are_refused_by_the_foolbox_attack(epsilons: Any) -> None:
    with foolbox_model(MODEL) as target, pytest.raises(SuiteError, match=r"^(eps=|epsilons is empty)"):
        IFGSM()(target, IMAGES, LABELS, epsilons=epsilons)
