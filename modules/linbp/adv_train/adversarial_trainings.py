"""An adversarial training for each seed and strategy, alike in all but the strategy."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import nn

from modules.linbp.adv_train.config import AdvTrainConfig
from modules.linbp.training import check_rule, fitted, initial_model
from suite.attacks import Adversary, Autograd, Settings, apgd, ball_noise, frozen, iterate, one_and_many, random_starts
from suite.data import balanced, sample
from suite.measuring import Run
from suite.training import MANY_STEPS, ONE_STEP, Collapse, as_pixels, evaluate, resident

BATCH = 250  # test images attacked at once
PROBED = 200  # training samples on which a collapse is looked for


@dataclass(frozen=True)
class Cell:
    """One training; `str()` names it within its run."""

    model: str
    strategy: str
    seed: int

    def __str__(self) -> str:
        return f"{self.model} seed {self.seed} {self.strategy}"


class AdversarialTrainings:
    """All trainings of one run, which share the data on the device, the recipe, the attack and its starts in testing.

    Those of one seed begin with the same weights and see the same batches. Testing is in eval mode, by true gradients.

    Raises SuiteError where the gradient rule cannot be applied to the model, before any training.
    """

    def __init__(self, config: AdvTrainConfig, run: Run) -> None:
        self.run, self.config = run, config
        dataset = run.dataset(config.dataset)
        self.train = resident(dataset.train, run.device, limit=config.train_limit, seed=run.seed)
        self.test = resident(dataset.test, run.device, limit=config.test_limit, seed=run.seed)
        recipe = run.architecture(config.model).entry.recipe
        self.recipe = replace(
            recipe,
            epochs=config.epochs or recipe.epochs,
            learning_rate=config.learning_rate or recipe.learning_rate,
            bfloat16=config.bfloat16,
            channels_last=config.channels_last,
        )
        self.attack = Settings(config.steps, config.step_size, config.norm)
        tested = sample(dataset.test, config.test_limit, run.seed)
        noise = ball_noise(tested.tolist(), dataset.shape, seed=config.seed, norm=config.norm)
        self.noise = noise.to(run.device)
        probed = torch.from_numpy(balanced(self.train[1].cpu().numpy(), PROBED, run.seed)).to(run.device)
        self.probed = self.train[0][probed], self.train[1][probed]
        self.cells = [
            Cell(config.model, strategy, seed)
            for seed in range(config.seed, config.seed + config.seeds)
            for strategy in config.strategies
        ]
        check_rule(run, config.model, config.gradient, self.train)

    def curve(self, cell: Cell) -> dict[str, list[Any]]:
        """Trains a cell, or continues it: one row per epoch; APGD's accuracy stands in the last."""
        model, rule = initial_model(self.run, cell.model, cell.seed), self.run.gradient(self.config.gradient)
        adversary = Adversary(
            rule(model) if cell.strategy == "weights+examples" else model,
            self.config.eps,
            self.attack,
            start="uniform" if self.config.random_start else "image",
            mode=self.config.attack_mode,
        )
        history = fitted(
            self.run, cell, model, None if cell.strategy == "bp" else rule, self.train, self.recipe,
            seed=cell.seed, adversary=adversary, watch=lambda: self._measured(model),
            until=Collapse() if self.config.watch_collapse else None,
        )  # fmt: skip
        rows = history.columns({**asdict(cell), "n": len(self.test[1])})
        if self.config.watch_collapse:
            seen = zip(rows[MANY_STEPS], rows[ONE_STEP], strict=True)
            rows["collapsed"] = [Collapse().first([many], [one]) is not None for many, one in seen]
        stronger = self._robust_accuracy(model, apgd_too=True) if self.config.apgd_steps else None
        return rows | {"apgd_accuracy": [*[None] * (len(history.epochs) - 1), stronger]}

    def _measured(self, model: nn.Module) -> dict[str, float]:
        clean = evaluate(model, *self.test)
        robust = self._robust_accuracy(model)
        measured = {"clean_loss": clean.loss, "clean_accuracy": clean.accuracy, "robust_accuracy": robust}
        if self.config.watch_collapse:
            steps, norm = self.config.watch_collapse, self.config.norm
            measured |= one_and_many(model, *self.probed, self.config.eps, norm, steps)
        return measured

    def _robust_accuracy(self, model: nn.Module, *, apgd_too: bool = False) -> float:
        """Share of test samples that no iterate fools, the start and the clean image among them, by true gradients."""
        robust = torch.zeros((), dtype=torch.int64, device=self.run.device)
        with frozen(model):
            for pixels, labels, noise in self._batches():
                survivors = self._after_pgd(model, pixels, labels, noise)
                if apgd_too and bool(survivors.any()):
                    fooled, _ = apgd(
                        Autograd(model), pixels[survivors], labels[survivors], self.config.eps, self.config.apgd_steps
                    )
                    robust += (~fooled).sum()
                else:
                    robust += survivors.sum()
        return float(robust) / len(self.test[1])

    def _after_pgd(
        self, model: nn.Module, pixels: torch.Tensor, labels: torch.Tensor, noise: torch.Tensor
    ) -> torch.Tensor:
        """(B,) booleans: correct on the clean image and on every iterate."""
        with torch.no_grad():
            correct = model(pixels).argmax(1) == labels
        eps = (self.config.eps,)
        start = random_starts(pixels, noise, eps, self.attack) if self.config.random_start else None
        trajectory = iterate(Autograd(model), model, pixels, labels, eps, self.attack, start=start)
        robust: torch.Tensor = correct & ~trajectory.fooled[0, :, -1]
        return robust

    def _batches(self) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
        images, labels = self.test
        for ids in torch.arange(len(labels), device=labels.device).split(BATCH):
            yield as_pixels(images[ids]), labels[ids], self.noise[ids]
