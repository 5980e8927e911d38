"""`pgd_dynamics.single_minimum`: on how many spheres has L one local minimum, by dimension, width and radius (Thm 5.1).

Minima are found by batched Riemannian descent from many starts (sphere.py), in the plane also exactly (circle.py). The
share of networks with one minimum is fitted over eps for each dimension d and width m; its half-way points give the
threshold as a power law in d and m, which the paper leaves open.
"""

from functools import partial
from typing import TYPE_CHECKING, Annotated

from pydantic import BeforeValidator, Field, model_validator

from suite.plugin import Epsilon, Factors, Number, Steps, StudyConfig, option
from suite.refs import split_list

if TYPE_CHECKING:
    from suite.host.run import Run

_LOSSES = ("quadratic", "logistic")
Losses = Annotated[
    tuple[str, ...],
    BeforeValidator(lambda value: tuple(split_list(value)) if isinstance(value, str) else value),
    Field(min_length=1),
]


class SingleMinimumConfig(StudyConfig):
    """Share of networks with one local minimum of L on the sphere, against eps, d and m."""

    dims: Steps = option((2, 5, 20), "dimensions d of the input")
    widths: Steps = option((100, 1000), "hidden neurons m")
    radii: Factors = option((0.25, 0.5, 1, 2, 4, 8, 16), "radii eps of the sphere", unit="sqrt(d)")
    scale: Epsilon = option(1.0, "length of the input x", source="Deng et al., Sec. 5.1")
    losses: Losses = option(
        _LOSSES, "quadratic, logistic or both: only the quadratic loss meets its label on the sphere"
    )
    y: Number = option(1.0, "label of every input", source="Eq. 2", ge=0, le=1)
    networks: int = option(20, "random networks per d and m", ge=4, le=100_000)
    starts: int = option(32, "descents per network", ge=2, le=4096)
    resamples: int = option(200, "bootstrap resamples of the networks, for the fitted thresholds", ge=20, le=10_000)

    @model_validator(mode="after")
    def _known_losses_and_spheres(self) -> "SingleMinimumConfig":
        unknown = [loss for loss in self.losses if loss not in _LOSSES]
        if unknown or len(set(self.losses)) < len(self.losses):
            raise ValueError(f"--losses {','.join(self.losses)}: give quadratic, logistic or both, each once")
        if min(self.dims) < 2 or max(self.dims) > 512 or max(self.widths) > 65_536:
            raise ValueError("--dims from 2 (the sphere of one dimension is two points) to 512, --widths up to 65536")
        return self


def single_minimum(config: SingleMinimumConfig, run: "Run") -> None:
    """Counts minima of L on spheres and fits where they cease to be one (Deng et al. 2020, Theorem 5.1)."""
    from modules.pgd_dynamics import single_minimum_figures, single_minimum_tables
    from modules.pgd_dynamics.single_minimum_scene import minima

    cells = [(d, m, loss) for d in config.dims for m in config.widths for loss in config.losses]
    for d, m, loss in run.track(cells, "dimensions, widths, losses"):
        for radius in config.radii:
            columns = partial(minima, config, d, m, loss, radius, run.device)
            run.table("minima").extend(run.once(f"d {d} m {m} {loss} radius {radius}", columns))
    found = run.table("minima").columns
    tables = {
        "shares": single_minimum_tables.shares(found),
        "thresholds": single_minimum_tables.thresholds(found, config.resamples, config.seed),
        "curve": single_minimum_tables.curve(found, config.resamples, config.seed),
        "claims": single_minimum_tables.claims(found),
    }
    for name, rows in tables.items():
        for row in rows:
            run.table(name).add(**row)
    for row in run.table("curve").rows():
        run.headline(**{f"{row['loss']}, power of {row['variable']}": row["power"]})
    of = f"{config.networks} networks, scale {config.scale:g}, y = {config.y:g}, {config.starts} starts each"
    run.show("thresholds", title=f"eps at which half of the networks have one minimum ({of}), 95 % bootstrap intervals")
    run.show("curve", title="eps50 = constant d^p m^q, least squares; 95 % bootstrap intervals")
    run.show("claims", title="Theorem 5.1 with tau = B_l / H, and what descent found beside the exact count")
    names = ("shares", "thresholds", "curve")
    figure = single_minimum_figures.threshold(*(run.table(name).rows() for name in names))
    run.figure("threshold", figure, single_minimum_figures.THRESHOLD.format(of))
