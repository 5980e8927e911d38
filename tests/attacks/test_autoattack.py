"""AutoAttack: as strong as its strongest member, judged by the true model, by rows of their own, masks or not."""

import pytest
import torch
from torch import Tensor, nn

from suite.attacks import MEMBERS, Autograd, Efforts, autoattack
from suite.attacks.ball import BallNorm, lengths
from suite.errors import SuiteError
from suite.refs import parse_call
from tests.attacks.test_square import fixture

FEW = Efforts(steps=6, queries=40, targets=2)
EPS: dict[BallNorm, float] = {"linf": 0.015, "l2": 0.1, "l1": 0.6}
IDS = torch.arange(24) + 5


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_the_ensemble_fools_whom_a_member_fools(norm: BallNorm) -> None:
    """Members draw by (seed, id) alone, so that each meets the same draws alone and after others."""
    model, x, y = fixture()
    whole = autoattack(Autograd(model), model, x, y, EPS[norm], ids=IDS, seed=1, norm=norm, efforts=FEW)
    fooled = whole.fooled_by >= 0
    assert 0 < int(fooled.sum()) < 24
    assert torch.equal(model(whole.adversarials).argmax(1) != y, fooled)
    assert float(lengths(whole.adversarials - x, norm).max()) <= EPS[norm] * (1 + 1e-4)
    assert 0 <= float(whole.adversarials.min()) <= float(whole.adversarials.max()) <= 1
    assert torch.equal(whole.adversarials[~fooled], x[~fooled])
    before = torch.zeros_like(fooled)
    for place, member in enumerate(MEMBERS):
        alone = autoattack(
            Autograd(model), model, x, y, EPS[norm], ids=IDS, seed=1, norm=norm, efforts=FEW, members=(member,)
        )
        hit = alone.fooled_by >= 0
        assert torch.equal(whole.fooled_by == place, hit & ~before)
        before = before | hit
    assert torch.equal(before, fooled)


def test_rows_do_not_depend_on_their_batch() -> None:
    model, x, y = fixture()
    whole = autoattack(Autograd(model), model, x, y, 0.02, ids=IDS, efforts=FEW)
    part = slice(7, 12)
    some = autoattack(Autograd(model), model, x[part], y[part], 0.02, ids=IDS[part], efforts=FEW)
    assert torch.equal(some.fooled_by, whole.fooled_by[part])
    torch.testing.assert_close(some.adversarials, whole.adversarials[part])
    other = autoattack(Autograd(model), model, x, y, 0.02, ids=IDS, seed=1, efforts=FEW)
    assert not torch.equal(other.adversarials, whole.adversarials)


def test_a_rule_leads_the_first_three_and_square_asks_the_model_alone() -> None:
    """Gradients of another sign lead nowhere; what Square finds is the same."""
    model, x, y = fixture()

    class Downhill(nn.Module):
        def forward(self, z: Tensor) -> Tensor:
            out: Tensor = model(z)
            return 2 * out.detach() - out

    def found(net: nn.Module, member: str) -> Tensor:
        attacked = autoattack(Autograd(net), model, x, y, 0.02, ids=IDS, efforts=FEW, members=(member,))
        return attacked.adversarials

    fooled = [model(found(net, "APGD-CE")).argmax(1) != y for net in (model, Downhill())]
    assert int(fooled[0].sum()) > int(fooled[1].sum()) + 2  # the starts alone fool some
    squares = [found(net, "Square") for net in (model, Downhill())]
    assert torch.equal(*squares) and not torch.equal(squares[0], x)


def test_rounded_pixels_are_broken_by_square() -> None:
    model, x, y = fixture()

    def rounded(z: Tensor) -> Tensor:
        out: Tensor = model((16 * z).round() / 16)
        return out

    with torch.no_grad():
        right = rounded(x).argmax(1) == y
    found = autoattack(Autograd(rounded), rounded, x[right], y[right], 0.1, ids=IDS[right], efforts=Efforts(3, 300, 2))
    assert set(found.fooled_by.tolist()) >= {3} and int((found.fooled_by == 3).sum()) > 0.5 * len(found.fooled_by)


def test_efforts_as_typed() -> None:
    assert Efforts.of(parse_call("autoattack")) == Efforts(100, 5000, 9)
    assert Efforts.of(parse_call("autoattack(queries=30,targets=2)")) == Efforts(100, 30, 2)
    for typed, message in (
        ("autoattack(querys=3)", "no argument 'querys' .did you mean queries"),
        ("autoattack(steps=0)", "^steps=0 "),
        ("autoattack(targets=1.5)", "^targets=1.5 "),
        ("autoattack(queries=many)", "^queries='many' "),
    ):
        with pytest.raises(SuiteError, match=message):
            Efforts.of(parse_call(typed))


def test_what_it_refuses() -> None:
    model, x, y = fixture(4)
    two = nn.Sequential(nn.Flatten(), nn.Linear(126, 3)).double().requires_grad_(False)
    with pytest.raises(SuiteError, match="4 classes, and the model has 3"):
        autoattack(Autograd(two), two, x, two(x).argmax(1), 1e-6, ids=IDS[:4], efforts=FEW)
    for wrong, message in (
        ({"eps": 0.0}, "^eps=0.0 "),
        ({"labels": y + 9}, "for a model of 5 classes"),
        ({"ids": IDS}, "^ids of shape"),
        ({"seed": -1}, "^seed=-1 "),
    ):
        given = {"images": x, "labels": y, "eps": 0.1, "ids": IDS[:4], "efforts": FEW} | wrong
        with pytest.raises(SuiteError, match=message):
            autoattack(Autograd(model), model, **given)  # type: ignore[arg-type]


def test_an_unknown_member_and_a_model_of_few_classes_are_refused_before_anything_is_attacked() -> None:
    model, x, y = fixture()
    with pytest.raises(SuiteError, match="Square"):
        autoattack(Autograd(model), model, x, y, 0.1, ids=IDS, efforts=FEW, members=("APGD-CE", "Sqaure"))
    two = nn.Sequential(nn.Flatten(), nn.Linear(x[0].numel(), 3)).to(x.dtype)
    with pytest.raises(SuiteError, match="asks for 4 classes"):
        autoattack(Autograd(two), two, x, y.clamp(max=2), 1.0, ids=IDS, efforts=FEW)


@pytest.mark.parametrize(("norm", "eps"), [("linf", 1e-5), ("l2", 1e-5), ("l1", 1e-4)])
def test_at_a_tiny_radius_rounded_pixels_still_fool(norm: BallNorm, eps: float) -> None:
    """A linear model whose classes are as near as the radius: every pixel near 1 is rounded by up to 6e-8."""
    x = torch.full((4, 1, 4, 4), 0.9)
    linear = nn.Linear(16, 4)
    with torch.no_grad():
        linear.weight.zero_()[0] = -1e4
        linear.bias.copy_(torch.tensor([1e4 * 0.9 * 16 + 0.2, 0.0, -9.0, -9.0]))
    model = nn.Sequential(nn.Flatten(), linear)
    y = model(x).argmax(1)
    found = autoattack(Autograd(model), model, x, y, eps, ids=torch.arange(4), norm=norm, efforts=Efforts(10, 10, 1))
    assert y.unique().tolist() == [0] and int((found.fooled_by >= 0).sum()) == 4
