"""`pgd_dynamics.convergence`: does projected gradient ascent find a local maximum, and how fast (Deng et al., Sec. 3).

Networks and starts are drawn as in Sec. 2 and run at several constant step sizes until |Gamma| is far below sqrt(eta);
from the theorem's output on, the schedule of Remark 3 takes over in a second run. The local minimum of L = -loss
beside the output is refined to rounding, which gives distances, and the exact rates to compare with.
"""

import logging
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from modules.pgd_dynamics.loss_option import LossRef, load_loss
from suite.errors import SuiteError
from suite.plugin import Epsilon, Factors, Number, StudyConfig, option

if TYPE_CHECKING:
    from modules.pgd_dynamics.trajectories import Setting
    from suite.host.run import Run

log = logging.getLogger("suite")

_SETUP = "Deng et al., Sec. 2"
Multiples = Annotated[Factors, Field(max_length=8)]


class ConvergenceConfig(StudyConfig):
    """Projected gradient ascent on the loss of random two-layer softplus networks."""

    d: int = option(
        10, "dimension of the input; the sphere of one dimension is two points", source=_SETUP, ge=2, le=128
    )
    m: int = option(
        1000, "hidden neurons; the theorem wants some multiple of d^(5/2)", source="Theorem 3.1", ge=1, le=65_536
    )
    scale: Epsilon = option(1.0, "length of the input x", source="Sec. 5.1")
    ratio: Epsilon = option(0.1, "perturbation ratio: the ball's radius eps is ratio times scale", source="Sec. 5.1")
    y: Number = option(1.0, "label of every input", source="Eq. 2")
    loss: LossRef = option("quadratic", "quadratic, logistic (y in [0, 1]), or import:pkg.mod:function of (f, y)")
    gradient: Literal["bp", "linbp"] = option(
        "bp", "field that is followed: the loss's gradient, or LinBP's; all that is reported is of the true loss"
    )
    networks: int = option(40, "random networks, each with its own input", ge=2, le=100_000)
    starts: int = option(4, "starts per network, uniform in the ball", source=_SETUP, ge=1, le=1000)
    etas: Factors = option(
        (1, 0.5, 0.25, 0.125), "constant step sizes; the theorem wants < 1", unit="eps^2", source="Theorem 3.1"
    )
    steps: int = option(20_000, "steps after which a trajectory is given up", unit="steps", ge=1, le=10_000_000)
    betas: Multiples = option(
        (1, 2, 4, 8),
        "beta of the schedule eta_s = 2 / (beta (s + z)), in units of the smallest curvature kappa at the minimum; the "
        "paper says only that it can be calculated, and its proof needs beta <= 4 kappa",
        source="Remark 3",
    )
    schedule_steps: int = option(1000, "steps under the schedule", unit="steps", source="Cor. 3.1", ge=20, le=20_000)

    @property
    def eps(self) -> float:
        """Radius of the ball."""
        return self.scale * self.ratio

    @property
    def block(self) -> int:
        """Networks computed at once and stored together: what an interruption loses, and far below 2 GiB."""
        return max(1, min(25, 1000 // self.starts, 2**17 // self.m * 2, 2**24 // (self.m * self.d)))

    @model_validator(mode="after")
    def _label_of_the_loss(self) -> "ConvergenceConfig":
        if self.loss == "logistic" and not 0 <= self.y <= 1:
            raise ValueError(f"--y {self.y:g} is no label of the logistic loss, which takes y in [0, 1]")
        return self


def convergence(config: ConvergenceConfig, run: "Run") -> None:
    """Phases, lemmas and rates of projected gradient ascent (Deng et al. 2020, Sec. 3 and 4)."""
    from modules.pgd_dynamics import trajectories
    from modules.pgd_dynamics.trajectories import Setting

    setting = Setting(config, load_loss(config.loss), run.device)
    kept = _check(setting)
    parts = [kept[first : first + config.block] for first in range(0, len(kept), config.block)]
    for part in run.track(parts, "networks"):
        name = f"{part[0]}-{part[-1]}"
        run.table("networks").extend(run.once(f"networks {name}", partial(trajectories.networks, setting, part)))
        for factor in config.etas:
            columns = partial(trajectories.constant, setting, part, factor)
            run.table("trajectories").extend(run.once(f"eta {factor} {name}", columns))
        schedules = partial(trajectories.scheduled, setting, part)
        run.table("schedules").extend(run.once(f"schedules {name}", schedules))
    run.table("phases").extend(run.once("phases", partial(trajectories.phases, setting, parts[0])))
    run.record(networks_left_out=config.networks - len(kept))
    _report(config, run)


def _check(setting: "Setting") -> list[int]:
    """The networks for which the theorem's assumption holds; warns of what is outside the theorem.

    Raises:
        SuiteError: it holds for none: the label is met inside the ball and the gradient vanishes there.
    """
    config, kept, steepest = setting.config, [], 0.0
    for first in range(0, config.networks, config.block):
        part = range(first, min(first + config.block, config.networks))
        seen = setting.assumed(part)
        kept += [network for network, holds in zip(part, seen.holds.tolist(), strict=True) if holds]
        steepest = max(steepest, float(seen.steepest.nan_to_num(0).max()))
    if len(kept) < 2:
        raise SuiteError(
            f"y = {config.y:g}: the loss has slope 0 somewhere in the ball, as where y = f, for "
            f"{config.networks - len(kept)} of {config.networks} networks; Theorem 3.1 assumes |y - f| > 0 on the ball",
            "choose another --y, or a smaller --ratio or --scale",
        )
    if len(kept) < config.networks:
        log.warning("%d of %d networks meet the label inside the ball, where the gradient vanishes: Theorem 3.1 does "
                    "not speak of them, and they are left out",
                    config.networks - len(kept), config.networks)  # fmt: skip
    largest = max(config.etas) * config.eps**2
    if largest * steepest > 2 * config.eps:
        log.warning("eta = %.3g overshoots: above 2 eps / max|dL| = %.3g a step is longer than the ball is wide",
                    largest, 2 * config.eps / steepest)  # fmt: skip
    if max(config.etas) > 1:
        log.warning("eta = %g eps^2: Theorem 3.1 asks for eta < eps^2 = %.3g", max(config.etas), config.eps**2)
    if config.m < config.d**2.5:
        log.warning("m = %d is below d^(5/2) = %.0f, the order of width of Theorem 3.1", config.m, config.d**2.5)
    return kept


def _report(config: ConvergenceConfig, run: "Run") -> None:
    """Rates, claims and figures from the tables per trajectory."""
    from modules.pgd_dynamics import convergence_claims, convergence_figures, rates

    trajectories, schedules = run.table("trajectories").columns, run.table("schedules").columns
    for row in rates.by_eta(trajectories):
        run.table("by_eta").add(**row)
    for row in rates.by_step(schedules):
        run.table("by_step").add(**row)
    for row in [*rates.over_eta(trajectories), *rates.over_schedule(schedules)]:
        run.table("rates").add(**row)
    for row in convergence_claims.claims(
        trajectories, run.table("networks").columns, run.table("rates").rows(), config.gradient
    ):
        run.table("claims").add(**row)
    for row in run.table("rates").rows():
        run.headline(**{row["quantity"]: row["exponent"]})
    setup = f"d = {config.d}, m = {config.m}, eps = {config.eps:g}, {config.loss} loss, {config.gradient}"
    run.show("rates", title=f"Fitted exponents ({setup}), 95 % intervals over networks")
    run.show("claims", title="What the paper says and what was measured, 95 % intervals")

    tables = {name: run.table(name).rows() for name in ("by_eta", "by_step", "rates")}
    networks = len(set(run.table("networks").columns["network"]))
    of = f"{networks} networks x {config.starts} starts, {setup}"
    run.figure("phases", convergence_figures.phases(run.table("phases").rows()), convergence_figures.PHASES)
    run.figure("rates", convergence_figures.rates(**tables), convergence_figures.RATES.format(of))
