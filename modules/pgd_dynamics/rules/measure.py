"""`pgd_dynamics.rules` measured: ascents along both fields from the same starts, block by block of networks."""

from functools import partial

from modules.pgd_dynamics.losses import load_loss
from modules.pgd_dynamics.rules.ascents import ascents
from modules.pgd_dynamics.rules.config import ACTIVATIONS, RulesConfig
from suite.measuring import Run


def measure(config: RulesConfig, run: Run) -> None:
    """BP and LinBP from the same starts: steps, gain, and the way left to a local maximum of the true loss (ours).

    Raw table: `ascents`, one row per landscape, rule, network and start.
    """
    loss = load_loss(config.loss)
    landscapes = [(d, activation, scale) for d in config.dims for activation in ACTIVATIONS for scale in config.scales]
    for d, activation, scale in run.track(landscapes, "landscapes"):
        for first in range(0, config.networks, config.block):
            part = range(first, min(first + config.block, config.networks))
            columns = partial(ascents, config, loss, part, (d, activation, scale), run.device)
            name = f"d {d} {activation} scale {scale} {first}"
            run.table("ascents").extend(run.once(name, columns))
