"""The training loop: one step in closed form, hooks, resume to the same bits, divergence."""

import math
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import nn

from suite.errors import SuiteError
from suite.training import Epoch, Mart, Objective, Recipe, Trades, fit
from suite.training.bfloat16 import warn_where_imitated

ONE_STEP = Recipe(epochs=1, batch_size=100, learning_rate=0.1)


class Interrupted(Exception):
    pass


def linear() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(4, 3, bias=False))


def weight_of(model: nn.Module) -> nn.Parameter:
    return model.get_parameter("1.weight")


def batch(count: int = 20) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (count, 1, 2, 2), dtype=torch.uint8, generator=generator)
    return images, torch.randint(0, 3, (count,), generator=generator)


def state_equal(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_one_step_is_gradient_descent_on_the_mean_cross_entropy() -> None:
    model, (images, labels) = linear(), batch()
    weight, x = weight_of(model).detach().clone(), images.flatten(1) / 255
    softmax = torch.softmax(x @ weight.T, 1)
    gradient = (softmax - torch.eye(3)[labels]).T @ x / len(x)
    (epoch,) = fit(model, images, labels, ONE_STEP, seed=0).epochs
    torch.testing.assert_close(weight_of(model).detach(), weight - 0.1 * gradient)
    assert epoch.loss == pytest.approx(float(-softmax[range(20), labels].log().mean()), rel=1e-6)
    assert epoch.accuracy == float((softmax.argmax(1) == labels).double().mean())


def test_every_sample_is_seen_once_an_epoch_in_an_order_that_changes() -> None:
    seen: list[int] = []

    def spy(pixels: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        seen.extend(pixels[:, 0, 0, 0].int().tolist())
        return pixels

    images = torch.arange(10.0).view(10, 1, 1, 1).expand(10, 1, 2, 2)
    labels = torch.zeros(10, dtype=torch.int64)
    fit(linear(), images, labels, Recipe(2, 4, 1e-9), seed=0, adversary=spy)
    first, second = seen[:10], seen[10:]
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second != sorted(first)


def test_bytes_and_floats_train_alike() -> None:
    one, other, (images, labels) = linear(), linear(), batch()
    fit(one, images, labels, Recipe(2, 8, 0.1), seed=3)
    fit(other, images / 255, labels, Recipe(2, 8, 0.1), seed=3)
    assert state_equal(one, other)


def test_weights_follow_the_backward_model() -> None:
    class Doubled(nn.Module):
        """The same function with twice the gradient."""

        def __init__(self, model: nn.Module) -> None:
            super().__init__()
            self.model = model

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            out: torch.Tensor = self.model(x)
            return out + (out - out.detach())

    plain, doubled, (images, labels) = linear(), linear(), batch()
    start = weight_of(plain).detach().clone()
    (one,) = fit(plain, images, labels, ONE_STEP, seed=0).epochs
    (two,) = fit(doubled, images, labels, ONE_STEP, seed=0, backward_model=Doubled(doubled)).epochs
    torch.testing.assert_close(weight_of(doubled) - start, 2 * (weight_of(plain) - start))
    assert one == two


def test_the_adversary_replaces_the_batch_and_cannot_touch_the_gradient() -> None:
    model, (images, labels) = linear(), batch()
    start = weight_of(model).detach().clone()

    def black(pixels: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        weight_of(model).grad = torch.full_like(start, 1e9)
        assert pixels.shape == (20, 1, 2, 2)
        assert len(targets) == 20
        return torch.zeros_like(pixels)

    (epoch,) = fit(model, images, labels, ONE_STEP, seed=0, adversary=black).epochs
    assert epoch.loss == pytest.approx(math.log(3), rel=1e-6)
    assert torch.equal(weight_of(model), start)  # black images have no gradient


def network() -> nn.Module:
    """With everything that has state or draws random numbers."""
    torch.manual_seed(5)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.3), nn.Flatten(), nn.Linear(64, 3)
    )


@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_interrupted_and_continued_ends_in_the_same_bits(tmp_path: Path, optimiser: str) -> None:
    recipe = Recipe(
        4, 8, 0.01, momentum=0.9, schedule="cosine", augment="zero", optimiser=optimiser  # type: ignore[arg-type]
    )  # fmt: skip
    images, labels = torch.rand(30, 1, 6, 6), torch.randint(0, 3, (30,))
    undisturbed, disturbed = network(), network()
    whole = fit(undisturbed, images, labels, recipe, seed=7)

    def stop(epoch: Epoch) -> None:
        if epoch.number == 1:
            raise Interrupted

    checkpoint = tmp_path / "training"
    with pytest.raises(Interrupted):
        fit(disturbed, images, labels, recipe, seed=7, on_epoch=stop, checkpoint=checkpoint)
    torch.rand(3)  # another process has another random state
    afresh, told = network(), list[Epoch]()
    again = fit(afresh, images, labels, recipe, seed=7, on_epoch=told.append, checkpoint=checkpoint)
    assert again == whole
    assert [epoch.number for epoch in told] == [2, 3]
    assert state_equal(afresh, undisturbed)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["training", "training.previous"]


def test_a_checkpoint_of_another_training_is_ignored(tmp_path: Path) -> None:
    images, labels = batch()
    checkpoint = tmp_path / "training"
    fit(linear(), images, labels, ONE_STEP, seed=0, checkpoint=checkpoint)
    told = list[Epoch]()
    for changed in (Recipe(1, 10, 0.1), ONE_STEP):
        fit(linear(), images, labels, changed, seed=1, on_epoch=told.append, checkpoint=checkpoint)
    assert len(told) == 2


def test_a_damaged_checkpoint_is_one_clear_error(tmp_path: Path) -> None:
    checkpoint = tmp_path / "training"
    checkpoint.write_bytes(b"PK\x03\x04 cut")
    with pytest.raises(SuiteError, match=r"training cannot be read \(delete it"):
        fit(linear(), *batch(), ONE_STEP, seed=0, checkpoint=checkpoint)


def test_what_is_watched_is_kept_with_the_epochs_and_survives_an_interruption(tmp_path: Path) -> None:
    images, labels = batch()
    calls: list[float] = []

    def fitted(path: Path, epochs: int) -> tuple[Epoch, ...]:
        model = linear()

        def watch() -> dict[str, float]:
            calls.append(float(weight_of(model).detach().norm()))
            return {"norm": calls[-1], "draw": float(torch.rand(()))}

        return fit(model, images, labels, Recipe(epochs, 8, 0.1), seed=2, watch=watch, checkpoint=path).epochs

    def stopped_after_two(path: Path) -> None:
        model = linear()

        def watch() -> dict[str, float]:
            norm = float(weight_of(model).detach().norm())
            return {"norm": norm, "draw": float(torch.rand(()))}

        def stop(epoch: Epoch) -> None:
            if epoch.number == 1:
                raise Interrupted

        with pytest.raises(Interrupted):
            fit(model, images, labels, Recipe(4, 8, 0.1), seed=2, watch=watch, on_epoch=stop, checkpoint=path)

    whole = fitted(tmp_path / "one", 4)
    assert [epoch.watched["norm"] for epoch in whole] == calls
    assert len({epoch.watched["draw"] for epoch in whole}) == 4
    stopped_after_two(tmp_path / "two")
    assert fitted(tmp_path / "two", 4) == whole
    assert len(calls) == 4 + 2  # the first two epochs were not measured again


def test_trainings_of_one_seed_see_the_same_batches_whatever_their_gradient() -> None:
    seen: list[list[float]] = []

    def fitted(rule: float) -> None:
        model = network()
        images, labels = torch.arange(30.0).view(30, 1, 1, 1).expand(30, 1, 6, 6) / 30, torch.arange(30) % 3
        seen.append([])

        class Scaled(nn.Module):
            def forward(self, x: torch.Tensor) -> torch.Tensor:
                seen[-1].append(float(x.double().sum()))
                out: torch.Tensor = model(x)
                return rule * out - ((rule - 1) * out).detach()

        recipe = Recipe(2, 8, 0.1, augment="zero")
        fit(model, images, labels, recipe, seed=4, backward_model=Scaled())

    fitted(1.0)
    fitted(3.0)
    assert seen[0] == seen[1]
    assert len(set(seen[0])) > 4


def test_divergence_ends_the_training_and_is_told() -> None:
    history = fit(linear(), *batch(), Recipe(50, 4, 1e38), seed=0)
    assert history.diverged
    assert len(history.epochs) < 50
    assert not fit(linear(), *batch(), ONE_STEP, seed=0).diverged


def test_seed_decides_and_nothing_outside_is_touched() -> None:
    images, labels = torch.rand(30, 1, 6, 6), torch.randint(0, 3, (30,))
    recipe = Recipe(1, 8, 0.1)
    models = [network() for _ in range(3)]
    models[0].get_submodule("1").eval()
    modes = [module.training for module in models[0].modules()]
    before = torch.get_rng_state()
    for model, seed in zip(models, (0, 0, 1), strict=True):
        fit(model, images, labels, recipe, seed=seed)
    assert torch.equal(torch.get_rng_state(), before)
    assert [module.training for module in models[0].modules()] == modes
    assert state_equal(models[0], models[1])
    assert not state_equal(models[0], models[2])


def test_training_learns() -> None:
    generator = torch.Generator().manual_seed(0)
    centres = torch.rand(3, 1, 2, 2, generator=generator)
    labels = torch.arange(300) % 3
    images = centres[labels] + 0.05 * torch.randn(300, 1, 2, 2, generator=generator)
    model = linear()
    history = fit(model, images, labels, Recipe(60, 10, 0.5), seed=0)
    assert history.epochs[-1].accuracy > 0.95


def test_the_rate_of_rise_and_fall_changes_with_every_step() -> None:
    images, labels = torch.full((8, 1, 2, 2), 0.5), torch.zeros(8, dtype=torch.int64)
    model, weights = linear(), list[torch.Tensor]()

    def spy(pixels: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        weights.append(weight_of(model).detach().clone())
        return pixels

    fit(model, images, labels, Recipe(2, 2, 0.4, schedule="rise-fall", peak=0.5), seed=0, adversary=spy)
    rates, x = list[float](), torch.full((4,), 0.5)  # every batch is the same
    for before, after in pairwise([*weights, weight_of(model).detach()]):
        gradient = torch.outer(torch.softmax(before @ x, 0) - torch.tensor([1.0, 0, 0]), x)
        rates.append(float(((before - after) * gradient).sum() / gradient.square().sum()))
    assert rates == pytest.approx([0.05, 0.15, 0.25, 0.35, 0.35, 0.25, 0.15, 0.05], rel=1e-3)


def test_the_selected_epochs_weights_are_the_models(tmp_path: Path) -> None:
    values = [3.0, 1.0, math.nan, 2.0]
    kept: dict[int, torch.Tensor] = {}

    def fitted(path: Path, stop_at: int | None = None) -> nn.Module:
        model = linear()

        def watch() -> dict[str, float]:
            number = len(kept)
            kept[number] = weight_of(model).detach().clone()
            return {"loss": values[number]}

        def stop(epoch: Epoch) -> None:
            if epoch.number == stop_at:
                raise Interrupted

        recipe = Recipe(4, 8, 0.1)
        history = fit(model, *batch(), recipe, seed=0, watch=watch, select="loss", on_epoch=stop, checkpoint=path)
        assert history.best("loss").number == 1
        return model

    whole = fitted(tmp_path / "one")
    assert torch.equal(weight_of(whole), kept[1]) and not torch.equal(kept[1], kept[3])
    kept.clear()
    with pytest.raises(Interrupted):
        fitted(tmp_path / "two", stop_at=2)
    assert state_equal(fitted(tmp_path / "two"), whole)


def test_training_ends_where_it_is_told_to_and_stays_ended(tmp_path: Path) -> None:
    told = list[Epoch]()
    for _ in range(2):
        history = fit(
            linear(),
            *batch(),
            Recipe(9, 8, 0.1),
            seed=0,
            until=lambda history: history.epochs[-1].number == 2,
            on_epoch=told.append,
            checkpoint=tmp_path / "training",
        )
        assert [epoch.number for epoch in history.epochs] == [0, 1, 2]
    assert len(told) == 3


@pytest.mark.parametrize("objective", [Trades(1), Mart(1)])
def test_trades_and_mart_train(objective: Objective) -> None:
    images, labels = torch.rand(60, 1, 6, 6), torch.arange(60) % 3
    images[range(60), 0, labels] += 1

    def noise(pixels: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        return pixels + 0.02 * torch.randn_like(pixels)

    recipe = Recipe(25, 20, 0.01, optimiser="adam")
    history = fit(network(), images / 2, labels, recipe, seed=0, objective=objective, adversary=noise)
    assert history.epochs[-1].accuracy > 0.9
    assert history.epochs[-1].loss < history.epochs[0].loss


@pytest.mark.parametrize("has_it", [True, False])
def test_bfloat16_without_instructions_for_it_is_told(
    has_it: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: has_it)
    with caplog.at_level("WARNING", "suite"):
        warn_where_imitated(torch.device("cpu"))
        warn_where_imitated(torch.device("meta"))
    assert len(caplog.messages) == (not has_it)
    assert all("no bfloat16 instructions" in message for message in caplog.messages)


@pytest.mark.parametrize("setting", ["bfloat16", "channels_last"])
def test_fast_settings_train_nearly_alike(setting: str) -> None:
    images, labels = torch.rand(64, 3, 6, 6), torch.randint(0, 3, (64,))
    losses = []
    for recipe in (Recipe(3, 16, 0.05), Recipe(3, 16, 0.05, **{setting: True})):  # type: ignore[arg-type]
        torch.manual_seed(5)
        model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3))
        losses.append([epoch.loss for epoch in fit(model, images, labels, recipe, seed=0).epochs])
        assert all(parameter.dtype == torch.float32 for parameter in model.parameters())
    # bfloat16 has 8 bits: a relative error of 2^-9 an operation.
    assert losses[1] == pytest.approx(losses[0], rel=2e-2 if setting == "bfloat16" else 1e-5)
    assert losses[0] != losses[1] or setting == "channels_last"


def test_a_history_as_columns() -> None:
    history = fit(linear(), *batch(), Recipe(2, 8, 0.1), seed=0, watch=lambda: {"seen": 1.0})
    columns = history.columns({"eps": 0.5})
    assert [*columns] == ["eps", "epoch", "learning_rate", "train_loss", "train_accuracy", "seen"]
    assert columns["eps"] == [0.5, 0.5] and columns["epoch"] == [1, 2]
    assert columns["train_loss"] == [epoch.loss for epoch in history.epochs]
