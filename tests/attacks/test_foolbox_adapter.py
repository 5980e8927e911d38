"""Any model under any gradient rule as a Foolbox model; any Foolbox attack by name; weights stand still meanwhile."""

import foolbox
import pytest
import torch
from torch import Tensor, nn

from modules.linbp import linbp
from suite.attacks import attack_names, foolbox_model, frozen, has_steps, make_attack
from suite.attacks.fused import IFGSM
from suite.errors import SuiteError
from suite.refs import Call, parse_call


def net(width: int = 8) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(),
        nn.Conv2d(width, width, 3), nn.ReLU(), nn.Dropout(0.5), nn.Flatten(), nn.Linear(16 * width, 4),
    )  # fmt: skip


def images(n: int = 10) -> Tensor:
    return torch.rand(n, 1, 6, 6, generator=torch.Generator().manual_seed(1))


def state(model: nn.Module) -> tuple[object, ...]:
    modes = [module.training for module in model.modules()]
    flags = [parameter.requires_grad for parameter in model.parameters()]
    grads = [None if parameter.grad is None else parameter.grad.clone().tolist() for parameter in model.parameters()]
    buffers = [buffer.tolist() for buffer in model.buffers()]
    return modes, flags, grads, buffers


def mixed_model() -> nn.Module:
    """Partly in train mode, partly frozen, one gradient filled: what `frozen` has to give back."""
    model = net().train()
    model[1].eval()
    model[0].bias.requires_grad_(False)  # type: ignore[union-attr]
    weight = model[0].weight
    assert isinstance(weight, nn.Parameter)
    weight.grad = torch.full_like(weight, 3.0)
    return model


def test_frozen_gives_everything_back() -> None:
    model = mixed_model()
    before = state(model)
    with frozen(model):
        assert not any(module.training for module in model.modules())
        assert not any(parameter.requires_grad for parameter in model.parameters())
        leaf = images().requires_grad_()
        model(leaf).sum().backward()
        assert leaf.grad is not None and leaf.grad.abs().sum() > 0
    assert state(model) == before


def test_frozen_gives_everything_back_after_an_error() -> None:
    model = mixed_model()
    before = state(model)
    with pytest.raises(RuntimeError, match="boom"), frozen(model):
        raise RuntimeError("boom")
    assert state(model) == before


def test_frozen_several_overlapping_models() -> None:
    """A model and a view of it share weights and mode; inside out, both come back."""
    model = mixed_model()
    before = state(model)
    with frozen(model, linbp(model, "all"), model), frozen(model):
        assert not model.training
    assert state(model) == before


@pytest.mark.parametrize(
    "text", ["LinfPGD", "FGSM", "L2DeepFoolAttack", "L2AdditiveGaussianNoiseAttack", "ifgsm", "pgd(norm=l2)"]
)
def test_any_attack_runs_on_a_linbp_view_and_touches_nothing(text: str) -> None:
    model, x = mixed_model(), images()
    before = state(model)
    with foolbox_model(linbp(model, "all")) as target:
        y = target(x).argmax(1)
        raw, clipped, success = make_attack(parse_call(text))(target, x, y, epsilons=[0.1, 2.0])
        assert len(raw) == 2 and success.shape == (2, 10)
        for image, fooled in zip(clipped, success, strict=True):
            assert image.min() >= 0 and image.max() <= 1
            with torch.no_grad():
                assert torch.equal(model(image).argmax(1) != y, fooled)
    assert state(model) == before
    assert sum(parameter.grad is not None for parameter in model.parameters()) == 1


def test_the_gradient_rule_reaches_foolbox() -> None:
    """FGSM takes one sign step along the rule's own gradient."""
    model, x = net().eval(), images()
    y = model(x).argmax(1)
    moved = []
    for attacked in (model, linbp(model, "all")):
        with foolbox_model(attacked) as target:
            adversarial = make_attack(Call("FGSM", {}))(target, x, y, epsilons=0.01)[0]
        leaf = x.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(nn.functional.cross_entropy(attacked(leaf), y), leaf)
        torch.testing.assert_close(adversarial, (x + 0.01 * gradient.sign()).clamp(0, 1), rtol=0, atol=1e-6)
        moved.append(adversarial)
    assert not torch.equal(*moved)


def test_bounds() -> None:
    model = net()
    with foolbox_model(model, bounds=(-1.0, 1.0)) as target:
        assert tuple(target.bounds) == (-1, 1)
        x = 2 * images() - 1
        _, clipped, _ = make_attack(Call("LinfPGD", {}))(target, x, target(x).argmax(1), epsilons=0.5)
        assert clipped.min() < -0.5 and clipped.min() >= -1 and clipped.max() <= 1
    with foolbox_model(model) as target:
        assert tuple(target.bounds) == (0, 1)


def test_a_model_without_parameters() -> None:
    with foolbox_model(nn.Flatten()) as target:
        assert target(images()).shape == (10, 36)


def test_names_lead_to_attacks() -> None:
    names = attack_names()
    assert names[:2] == ["ifgsm", "pgd"] and len(set(names)) == len(names)
    assert {"LinfPGD", "FGSM", "L2DeepFoolAttack", "L2CarliniWagnerAttack"} <= set(names)
    assert isinstance(make_attack(Call("LinfPGD", {})), foolbox.attacks.LinfPGD)
    ifgsm, pgd = make_attack(Call("ifgsm", {"steps": 3})), make_attack(Call("pgd", {}))
    assert isinstance(ifgsm, IFGSM) and ifgsm.steps == 3 and not ifgsm.random_start
    assert isinstance(pgd, IFGSM) and pgd.random_start


@pytest.mark.parametrize("name", [name for name in attack_names() if "Brendel" not in name])  # those need numba
def test_every_name_is_an_attack_or_one_clear_line(name: str) -> None:
    try:
        attack = make_attack(Call(name, {}))
    except SuiteError:
        return
    assert isinstance(attack, foolbox.attacks.base.Attack)


def test_defaults_yield_to_the_call_and_skip_what_an_attack_has_not() -> None:
    attack = make_attack(Call("LinfPGD", {"steps": 7}), steps=3, abs_stepsize=0.25, colour="red")
    assert (attack.steps, attack.abs_stepsize) == (7, 0.25)
    make_attack(Call("FGSM", {}), steps=3)  # has no steps


def test_a_relative_step_in_the_call_is_not_overruled_by_an_absolute_default() -> None:
    """In Foolbox abs_stepsize wins over rel_stepsize: a default must not silence what the user wrote."""
    attack = make_attack(Call("LinfPGD", {"rel_stepsize": 0.5}), abs_stepsize=2 / 255)
    assert attack.rel_stepsize == 0.5 and attack.abs_stepsize is None


def test_unknown_names_answer_with_near_ones() -> None:
    with pytest.raises(SuiteError, match=r"LinfPGG.*did you mean.*LinfPGD"):
        make_attack(Call("LinfPGG", {}))
    with pytest.raises(SuiteError, match=r"'step'.*steps"):
        make_attack(Call("LinfPGD", {"step": 3}))
    with pytest.raises(SuiteError, match=r"'random_strt'.*random_start"):
        make_attack(Call("ifgsm", {"random_strt": True}))


def test_has_steps() -> None:
    assert has_steps(Call("LinfPGD", {})) and has_steps(Call("ifgsm", {}))
    assert not has_steps(Call("LinfPGD", {"steps": 5}))
    assert not has_steps(Call("FGSM", {})) and not has_steps(Call("no such attack", {}))


@pytest.mark.parametrize(
    "typed",
    [
        "LinfPGD(steps=-1)",
        "LinfPGD(steps=0)",
        "LinfPGD(rel_stepsize=-0.1)",
        "LinfPGD(abs_stepsize=0)",
        "L2DeepFoolAttack(overshoot=-1)",
        "L2DeepFoolAttack(candidates=0)",
        "L2CarliniWagnerAttack(confidence=-1)",
    ],
)
def test_numbers_out_of_range_are_refused(typed: str) -> None:
    with pytest.raises(SuiteError, match=r"of attack .* \(give a (positive )?number"):
        make_attack(parse_call(typed))


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("LinfPGD(abs_stepsize=abc)", "give float"),
        ("GaussianBlurAttack(max_sigma=true)", "give float"),
        ("EADAttack(decision_rule=XX)", "give 'EN' or 'L1'"),
        ("pgd(norm=l3)", "give 'linf' or 'l2'"),
        ("BoundaryAttack(init_attack=x)", "it cannot be given here: leave it out"),
        ("BoundaryAttack(tensorboard=logs)", "give False"),  # it would write files
        ("ifgsm(engine=5)", "it cannot be given here"),
    ],
)
def test_values_of_another_kind_are_refused(typed: str, told: str) -> None:
    with pytest.raises(SuiteError, match=rf" of attack .* \({told}"):
        make_attack(parse_call(typed))
