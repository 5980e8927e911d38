"""What a cell is trained on, by which recipe and against whom; options as typed."""

from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch.nn import functional as F

from modules.phase_transition.epsilon_star.config import EpsilonStarConfig
from modules.phase_transition.options import attack_call, loss_call
from modules.phase_transition.settings import adversary_of, objective_mean, objective_of, recipe_of
from modules.phase_transition.trainings import Cell, Trainings, selected
from suite.attacks import Adversary
from suite.errors import SuiteError
from suite.host.preparing import prepare
from suite.host.registry import Registry
from suite.models import ZOO
from suite.training import Mart, Recipe, Trades, cross_entropy, evaluate
from suite.training.objectives import boosted_cross_entropy

MODEL = "two-layer(width=20)"


def made(tmp_path: Path, model: str = MODEL, **settings: Any) -> Trainings:
    config = EpsilonStarConfig(model=(model,), train_limit=(60,), epochs=2, attack="pgd(steps=2)", **settings)
    run = prepare("phase_transition.epsilon_star", config, Registry(), root=tmp_path, device="cpu")
    return Trainings(config, run, (model,))


def cell(samples: int = 60, eps: float = 0.1, seed: int = 0, gradient: str = "bp") -> Cell:
    return Cell(MODEL, samples, gradient if eps else "", eps, seed)


def rows_of(images: torch.Tensor) -> set[bytes]:
    return {image.numpy().tobytes() for image in images}


@pytest.mark.usefixtures("workplace")
def test_smaller_sets_are_parts_of_larger_ones_and_what_is_held_out_is_in_none(tmp_path: Path) -> None:
    trainings = made(tmp_path)
    assert trainings.largest == 1257 - 200
    small, large = (trainings.train_data(cell(samples))[0] for samples in (60, trainings.largest))
    assert len(small) == 60 and len(large) == 1057
    assert rows_of(small) < rows_of(large)
    held = trainings.watched_data(cell())[0]
    assert len(held) == 200 and not rows_of(held) & rows_of(large)
    other = trainings.train_data(cell(seed=1))[0]
    assert rows_of(other) != rows_of(small)
    labels = trainings.train_data(cell())[1]
    assert labels.bincount().tolist() == [6] * 10


@pytest.mark.usefixtures("workplace")
def test_selection_by_the_test_set_leaves_all_samples_for_training(tmp_path: Path) -> None:
    trainings = made(tmp_path, select="test", watched=100)
    assert trainings.largest == 1257
    images, _ = trainings.watched_data(cell())
    assert len(images) == 100 and rows_of(images) <= rows_of(trainings.test[0])
    assert torch.equal(images, trainings.watched_data(cell(seed=1))[0])


@pytest.mark.usefixtures("workplace")
def test_a_finished_training_gives_its_model_and_history_again_at_once(tmp_path: Path) -> None:
    trainings, one = made(tmp_path), cell()
    model = trainings.initial(one)
    history = trainings.fit(one, model)
    again = trainings.initial(one)
    until = trainings.fit(one, again, until=lambda _: pytest.fail("it trains again"))
    assert until == history and len(history.epochs) == 2
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in model.state_dict().items())
    rows = trainings.rows(one, history)
    assert sum(rows["selected"]) == 1 and rows["watched_loss"][rows["selected"].index(True)] == min(
        rows["watched_loss"]
    )
    loss, _ = trainings.adversarial_loss(again, trainings.watched_data(one), 0.0, cross_entropy)
    assert loss == pytest.approx(evaluate(again, *trainings.watched_data(one)).loss)
    assert selected(history).watched["watched_loss"] > loss  # attacked, it is larger than clean
    ending = trainings.ending(one, again)
    assert ending["clean_test_loss"] == pytest.approx(ending["clean_test_objective"])
    assert ending["attacked_train_loss"] > evaluate(again, *trainings.train_data(one)).loss
    trainings.forget(one)
    assert trainings.fit(one, trainings.initial(one)) == history  # from the start, to the same numbers


@pytest.mark.usefixtures("workplace")
def test_the_rule_crafts_the_training_samples_and_nothing_else(tmp_path: Path) -> None:
    trainings = made(tmp_path, gradient=("bp", "linbp", "linbp(start=none)"))
    histories = [trainings.fit(one, trainings.initial(one)) for one in (cell(), cell(gradient="linbp"))]
    assert histories[0] != histories[1]
    plain = cell(gradient="linbp(start=none)")
    assert trainings.fit(plain, trainings.initial(plain)) == histories[0]
    clean = [trainings.adversary(trainings.initial(one), one) for one in (cell(eps=0.0), cell(gradient="linbp"))]
    assert clean[0] is None and isinstance(clean[1], Adversary)


@pytest.mark.parametrize(("norm", "start"), [("linf", "uniform"), ("l2", "radial")])
def test_attacks_are_those_of_rice_and_of_the_losses(norm: Any, start: str) -> None:
    config, net = EpsilonStarConfig(norm=norm, attack="pgd"), torch.nn.Identity()
    pgd = adversary_of(config, net, 8 / 255, mode="train")
    assert pgd is not None and (pgd.start, pgd.mode, pgd.against) == (start, "train", "labels")
    assert pgd.settings.steps == 10 and pgd.settings.step_size == pytest.approx(2 / 255)
    fgm = adversary_of(config, net, 8 / 255, attack="fgm")
    assert fgm is not None and fgm.settings.steps == 1 and fgm.settings.step_size == pytest.approx(10 / 255)
    for loss, against in (("trades", "clean"), ("mart(beta=2)", "labels")):
        its = adversary_of(EpsilonStarConfig(norm=norm, loss=loss), net, 0.1)
        assert its is not None and (its.start, its.against) == ("near", against)
    assert adversary_of(config, net, 0.0) is None


def test_losses_and_attacks_have_one_spelling() -> None:
    assert str(loss_call("trades")) == str(loss_call("trades(beta=6.0)")) == "trades(beta=6)"
    assert str(attack_call("pgd(reach=2.5)")) == str(attack_call("pgd")) == "pgd(reach=2.5,steps=10)"
    assert objective_of("ce") is cross_entropy
    assert objective_of("trades(beta=0.5)") == Trades(0.5) and objective_of("mart") == Mart(5.0)


@pytest.mark.parametrize(
    "typed",
    ["trades(beta=0)", "mart(beta=-1)", "trades(beta=nan)", "trades(beta=yes)", "ce(beta=1)", "hinge", "mart(gamma=1)"],
)
def test_losses_that_are_none_are_refused(typed: str) -> None:
    with pytest.raises((SuiteError, ValidationError), match=r"give a number > 0|unknown loss|has no argument"):
        EpsilonStarConfig(loss=typed)


@pytest.mark.parametrize("typed", ["pgd(steps=0)", "pgd(steps=2.5)", "fgm(steps=2)", "pgd(reach=0)", "cw"])
def test_attacks_that_are_none_are_refused(typed: str) -> None:
    with pytest.raises((SuiteError, ValidationError), match=r"give a|unknown attack|has no argument"):
        EpsilonStarConfig(attack=typed)


def test_an_objective_has_the_mean_that_its_formula_gives_and_touches_no_weight() -> None:
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(9, 4)).double()
    images, labels = torch.rand(301, 1, 3, 3, dtype=torch.float64), torch.arange(301) % 4
    logits = net(images).detach()
    expected = boosted_cross_entropy(logits, labels).mean()
    assert objective_mean(net, (images, labels), Mart(3.0), None)[0] == pytest.approx(float(expected))
    loss, accuracy = objective_mean(net, (images, labels), cross_entropy, None)
    assert loss == pytest.approx(float(F.cross_entropy(logits, labels)))
    assert accuracy == pytest.approx(float((logits.argmax(1) == labels).double().mean()))
    config = EpsilonStarConfig()
    attacked = objective_mean(net, (images, labels), cross_entropy, adversary_of(config, net, 0.1))[0]
    assert attacked > loss and all(weight.grad is None for weight in net.parameters())
    # For a linear net of two classes the attack is in closed form: the margin falls by eps |w_1 - w_0|_1.
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(9, 2, bias=False)).double()
    images, labels = 0.3 + 0.4 * images, labels % 2
    logits = net(images).detach()
    margin = logits.gather(1, labels[:, None]) - logits.gather(1, 1 - labels[:, None])
    weight = net.get_parameter("1.weight").detach()
    worst = F.softplus(0.1 * (weight[1] - weight[0]).abs().sum() - margin).mean()
    found = objective_mean(net, (images, labels), cross_entropy, adversary_of(config, net, 0.1))[0]
    assert found == pytest.approx(float(worst), rel=1e-6)


def test_recipes_change_as_asked() -> None:
    rice = ZOO["preactresnet18"].recipe
    assert recipe_of(EpsilonStarConfig(epochs=None, batch_size=None), rice) == rice
    shorter = recipe_of(EpsilonStarConfig(epochs=20, batch_size=256), rice)
    assert (shorter.epochs, shorter.batch_size, shorter.milestones) == (20, 256, (10, 15))
    with pytest.raises(SuiteError, match="give --learning-rate"):
        recipe_of(EpsilonStarConfig(optimiser="adam"), rice)
    adam = recipe_of(EpsilonStarConfig(optimiser="adam", learning_rate=0.001), rice)
    assert (adam.optimiser, adam.learning_rate) == ("adam", 0.001)
    small = Recipe(10, 128, 0.001, optimiser="adam")
    assert recipe_of(EpsilonStarConfig(optimiser="sgd", learning_rate=0.01), small).momentum == 0.9
    assert recipe_of(EpsilonStarConfig(optimiser="adam"), small).momentum == 0


@pytest.mark.usefixtures("workplace")
def test_a_last_batch_of_one_sample_is_refused_for_batch_norm(tmp_path: Path) -> None:
    trainings = made(tmp_path, model="resnet20")
    with pytest.raises(SuiteError, match="last batch of one sample"):
        trainings.check([Cell("resnet20", 65, "bp", 0.1, 0)])
    trainings.check([Cell("resnet20", 64, "bp", 0.1, 0)])
