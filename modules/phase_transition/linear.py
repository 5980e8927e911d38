"""`phase_transition.linear`: clean and adversarial linear regression, and where they part (Xing et al., Sec. 4).

Thm 1 and Fig. 2 left: the paths of gradient descent. Fig. 2 right and 3: p-values of the trained models and of their
losses. Thm 2 and the definition: eps_star located per size, by losses and by parameters, and how it grows with d/n.
"""

import logging
from functools import partial
from math import sqrt
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, model_validator

from modules.phase_transition.sizes import Sizes, parse_size
from suite.plugin import Epsilon, Factors, Number, StudyConfig, option

if TYPE_CHECKING:
    from suite.host.run import Run

log = logging.getLogger("suite")

_ROWS = 20_000_000
_UNIT = "sqrt(d/n)"
_LOST = "the paper says only"


class LinearConfig(StudyConfig):
    """Adversarial linear regression under l2 attack: paths, p-values, and growth of eps_star with d/n."""

    sizes: Sizes = option(("20/1000", "2000/10"), "dimension/samples of the paths", source="Table B.1")
    eps: Factors = option(
        (0.0707107, 0.3, 1, 1.41421),
        "attack strengths of the paths; the first and the last are Table B.1's small and large ones of either size",
        unit=_UNIT,
        source="Table B.1",
    )
    repeats: int = option(100, "data sets per size, each trained at all strengths", source="Sec. 4", ge=2, le=100_000)
    steps: int = option(100, "steps T of gradient descent from zero", source="Sec. 4", ge=1, le=100_000)
    step: Annotated[Number, Field(gt=0, le=2)] = option(
        0.25,
        f"learning rate, the same for all strengths; {_LOST} 'proper'",
        unit="1 / lambda, lambda = 2 (1 + sqrt(d/n))^2 the largest eigenvalue of the clean Hessian",
    )
    noise_variance: Epsilon = option(
        0.25,
        f"variance of the noise; {_LOST} 'constant'. For d > n the clean model beats the predictor 0, and eps_star is "
        "finite, only if it is below |theta0|^2 (d - n - 1) / d",
    )
    theta0_norm: Epsilon = option(1.0, f"length of theta0; {_LOST} O(1)")
    test_sizes: Sizes = option(
        ("2/100", "5/100", "10/100"), "dimension/samples of the p-values", source="Fig. 2 right, Fig. 3"
    )
    test_eps: Factors = option(
        (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1, 1.4, 2, 3), "attack strengths of the p-values", unit=_UNIT
    )
    null: int = option(300, "clean trainings behind a p-value", source="Sec. 4", ge=10, le=100_000)
    growth: Sizes = option(
        ("2/200", "4/200", "10/200", "20/200", "40/200", "4/400", "8/400",
         "100/20", "200/20", "400/20", "1000/20"),
        "dimension/samples at which eps_star is located, beside the sizes above; fitted are d/n <= 0.2 and d/n >= 5",
    )  # fmt: skip
    growth_repeats: int = option(50, "data sets per size behind an eps_star", ge=20, le=100_000)

    @model_validator(mode="after")
    def _rows_that_can_be_held(self) -> "LinearConfig":
        rows = self.repeats * len(self.eps) * self.steps
        if rows > _ROWS:
            raise ValueError(f"--repeats, --eps and --steps make {rows:,} rows a size; at most {_ROWS:,}")
        return self

    @property
    def sigma(self) -> float:
        """Standard deviation of the noise."""
        return sqrt(self.noise_variance)

    @property
    def located(self) -> list[str]:
        """All sizes whose eps_star is asked for, each once."""
        return list(dict.fromkeys([*self.growth, *self.sizes, *self.test_sizes]))


def linear(config: LinearConfig, run: "Run") -> None:
    """Paths, p-values and eps_star of adversarial linear regression (Theorems 1 and 2, Fig. 1-3, Table B.1)."""
    from modules.phase_transition import linear_scene as scene

    for size in run.track(config.sizes, "paths"):
        columns = partial(scene.paths, config, *parse_size(size), run.device)
        run.table("paths").extend(run.once(f"paths {size}", columns))
    for size in run.track(config.test_sizes, "p-values"):
        columns = partial(scene.tested, config, *parse_size(size), run.device)
        run.table("tested").extend(run.once(f"tested {size}", columns))
    for size in run.track(config.located, "eps_star"):
        columns = partial(scene.minima, config, *parse_size(size), run.device)
        run.table("minima").extend(run.once(f"minima {size}", columns))
    _report(config, run)


def _report(config: LinearConfig, run: "Run") -> None:
    """Tables, claims and figures from the rows per data set."""
    from modules.phase_transition import linear_claims, linear_figures, linear_growth, linear_tables

    paths, tested, minima = (run.table(name).columns for name in ("paths", "tested", "minima"))
    settings = (config.sigma, float(config.theta0_norm), config.seed)
    eps_star = list(linear_growth.located(minima, *settings))
    tables: dict[str, list[dict[str, Any]]] = {
        "eps_star": eps_star,
        "growth": list(linear_growth.growth(eps_star)),
        "by_step": list(linear_tables.by_step(paths)),
        "ends": list(linear_tables.ends(paths, eps_star, *settings[:2])),
        "p_values": list(linear_tables.p_values(tested)),
        "half_way": list(linear_tables.half_way(tested, eps_star, config.seed)),
    }
    for name, rows in tables.items():
        for row in rows:
            run.table(name).add(**row)
    for row in linear_claims.claims({name: run.table(name).rows() for name in tables}, paths, tested, minima):
        run.table("claims").add(**row)
    _warn(run)
    for row in run.table("growth").rows():
        if row["quantity"].startswith("eps_star"):
            run.headline(**{f"power of d/n in {row['quantity']}, {row['range']}": row["leading"]})
    of = f"noise variance {config.noise_variance:g}, |theta0| = {config.theta0_norm:g}"
    run.show("ends", title=f"Trained models after {config.steps} steps ({of}); means over data sets, 95 % intervals")
    run.show("eps_star", title="eps_star by size: by the losses (its definition) and by the parameters (Theorem 1)")
    run.show("claims", title="What the paper says and what was measured, 95 % intervals")

    drawn = {name: run.table(name).rows() for name in ("by_step", "p_values", "eps_star", "growth")}
    figure = linear_figures.paths(drawn["by_step"])
    run.figure("paths", figure, linear_figures.PATHS.format(config.repeats, of))
    figure = linear_figures.p_values(drawn["p_values"], drawn["eps_star"])
    run.figure("p_values", figure, linear_figures.P_VALUES.format(config.repeats, config.null, of))
    figure = linear_figures.growth(drawn["eps_star"], drawn["growth"], *settings[:2])
    run.figure("growth", figure, linear_figures.GROWTH.format(config.growth_repeats, of))


def _warn(run: "Run") -> None:
    """Says what was left out, and where eps_star has no value."""
    gone = [row for row in run.table("ends").rows() if row["diverged"]]
    gone += [row for row in run.table("p_values").rows() if row["diverged"] and row["of"] == "parameters"]
    for row in gone:
        log.warning("d/n = %d/%d, eps = %.3g: %d trainings diverged and are left out; a smaller --step keeps them",
                    row["d"], row["n"], row["eps"], row["diverged"])  # fmt: skip
    for row in run.table("eps_star").rows():
        if row["eps_star"] is None:
            log.warning("d/n = %d/%d: no crossing, eps_star %s", row["d"], row["n"], row["bound"])
        if row["gap"] > 1e-3:
            log.warning("d/n = %d/%d: some minima of the adversarial risk may be %.1g too large (relative)",
                        row["d"], row["n"], row["gap"])  # fmt: skip
