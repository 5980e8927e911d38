"""`pgd_dynamics.convergence` measured: trajectories of networks and starts at several step sizes, and schedules.

Networks and starts are drawn as in Sec. 2 and run at several constant step sizes until |Gamma| is far below sqrt(eta);
from the theorem's output on, the schedule of Remark 3 takes over in a second run. The local minimum of L = -loss
beside the output is refined to rounding, which gives distances, and the exact rates to compare with.
"""

import logging
from functools import partial

from modules.pgd_dynamics.convergence import trajectories
from modules.pgd_dynamics.convergence.config import ConvergenceConfig
from modules.pgd_dynamics.convergence.trajectories import Setting
from modules.pgd_dynamics.losses import load_loss
from suite.errors import SuiteError
from suite.measuring import Run

log = logging.getLogger("suite")


def measure(config: ConvergenceConfig, run: Run) -> None:
    """Follows projected gradient ascent from start to rest (Deng et al. 2020, Sec. 3 and 4).

    Raw tables: `networks`, one row per network and step size; `trajectories`, one per network, start and step size;
    `schedules`, one per network, start, beta and step that is read; `phases`, one per start and step of some.
    """
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


def _check(setting: Setting) -> list[int]:
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
