"""The work behind `lazy_regime.dial`: nets in balls of every size, their flips and their kernels."""

from collections.abc import Mapping, Sequence
from math import inf
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from modules.lazy_regime.ball import radius
from modules.lazy_regime.data import two_classes
from modules.lazy_regime.exact_flip import flip_steps
from modules.lazy_regime.many_steps import nearest_flip
from modules.lazy_regime.nets import LazyNets, initial, net_seeds, portions
from modules.lazy_regime.pgd import gradient_field, parts
from modules.lazy_regime.pgd_flip import pgd_flips
from modules.lazy_regime.tangent_kernel import drift
from modules.lazy_regime.training import Schedule, Trained, train
from suite.gradients import GradientRule, bp

if TYPE_CHECKING:
    from modules.lazy_regime.dial import DialConfig
    from suite.data import Dataset


class Scene:
    """What all radii share.

    Attributes:
        cells: width, those of its nets that are worked on side by side, and C0; of these the last is infinite.
        task: the two classes.

    Raises:
        SuiteError: classes or a size that the data set does not have, images that are zero everywhere; a gradient rule
            that cannot be applied to the nets.
    """

    def __init__(
        self, config: "DialConfig", dataset: "Dataset", rule: GradientRule, device: torch.device
    ) -> None:  # fmt: skip
        self.config, self.rule = config, rule
        self.c0s = [*sorted(config.c0s), inf]
        self.task = two_classes(
            dataset, config.classes, config.size, unit_norm=config.unit_norm,
            train_limit=config.train_limit, test_limit=config.test_limit, device=device,
        )  # fmt: skip
        self.cells = [
            (m, runs, c0)
            for m in config.widths
            for runs in portions(config.networks, m * self.task.d * (2 + len(self.c0s)))
            for c0 in self.c0s
        ]
        gradient_field(self._initial([0], min(config.widths)), rule)(self.task.test_x[None, :1])
        self._at: tuple[int, range] | None = None
        self._start: LazyNets
        self._trained: dict[float, Trained]

    def measured(self, m: int, runs: range, c0: float) -> Mapping[str, Any]:
        """A row per net and test point of a ball: margin y f, flips, and what holds for the whole net."""
        trained, x, y = self._nets(m, runs)[c0], self.task.test_x, self.task.test_y
        nets = trained.nets
        found = [self._flips(nets, x[here], y[here]) for here in parts(len(x), len(runs) * max(m, self.task.d))]
        columns = {name: torch.cat([part[name] for part in found], 1) for name in found[0]}
        of_net = {
            "drift": torch.cat([drift(nets.at([k]), self._start.at([k]), x) for k in range(len(runs))]),
            "distance": trained.distance * nets.scale,
            "sgd_steps": trained.steps,
            "left": trained.left,
        }
        columns |= {name: values[:, None].expand(-1, len(x)) for name, values in of_net.items()}
        return {
            "run": torch.tensor(runs).repeat_interleave(len(x)).tolist(),
            "id": self.task.test_ids.repeat(len(runs)).tolist(),
            **{name: values.flatten().tolist() for name, values in columns.items()},
        }

    def _flips(self, nets: LazyNets, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """What one step and many do at some of the points, (S, n) each."""
        points = x.expand(nets.shape[0], *x.shape)
        f, gradient = nets.value_and_gradient(points)
        single = rule_step = flip_steps(nets, points, gradient, -f.sign())
        pgd = rule_pgd = pgd_flips(nets, gradient_field(nets, bp), x, self.config.pgd_steps)
        if self.config.gradient != "bp":
            field = gradient_field(nets, self.rule)
            rule_step = flip_steps(nets, points, field(points).expand_as(points), -f.sign())
            rule_pgd = pgd_flips(nets, field, x, self.config.pgd_steps)
        return {
            "margin": f * y,
            "norm": torch.linalg.vector_norm(points, dim=-1),
            "gradient": torch.linalg.vector_norm(gradient, dim=-1),
            "single_step": single,
            "rule_step": rule_step,
            "pgd": pgd,
            "rule_pgd": rule_pgd,
            "many_steps": nearest_flip(nets, points, self.config.steps),
        }

    def _nets(self, m: int, runs: range) -> dict[float, Trained]:
        """The nets in every ball; one training serves all of them."""
        if self._at != (m, runs):
            config = self.config
            self._start = self._initial(runs, m)
            schedule = Schedule(config.epochs, config.learning_rate, config.batch_size)
            radii = [radius(c0, m) for c0 in self.c0s]
            trained = train(self._start, self._seeds(runs), self.task.x, self.task.y, radii, config.stop, schedule)
            self._at, self._trained = (m, runs), dict(zip(self.c0s, trained, strict=True))
        return self._trained

    def _initial(self, runs: Sequence[int], m: int) -> LazyNets:
        seeds, device = self._seeds(runs), self.task.x.device
        return initial(seeds, m, self.task.d, biases=self.config.biases, device=device)

    def _seeds(self, runs: Sequence[int]) -> list[int]:
        return net_seeds(self.config.seed, runs)
