"""`linbp.theory_attack` measured: many runs at once, each with the same network and start for both rules."""

from functools import partial

from modules.linbp.simulation import run_chunks
from modules.linbp.theory_attack.config import TheoryAttackConfig
from modules.linbp.theory_attack.simulated_attack import distances, first_gradients
from suite.measuring import Run


def measure(config: TheoryAttackConfig, run: Run) -> None:
    """Attacks random two-layer networks by BP and by LinBP (Li et al. 2022, Sec. 3.1 and 4.1, Theorem 1, Fig. 1).

    The teacher holds the optimal adversarial example x*, the student moves x there from x0. Beside the simulation run
    the dynamics of the expected gradients, which is what the theorem is about, and the step size that it assumes.

    Raw tables: `distances`, one row per run, mode and step that is read; `first_gradients`, one row per run.
    """
    for runs in run.track(run_chunks(config.repeats, config.size), "runs"):
        name = f"{runs.start}-{runs.stop - 1}"
        far = run.once(f"distances {name}", partial(distances, config, runs, run.device))
        run.table("distances").extend(far)
        first = run.once(f"first gradients {name}", partial(first_gradients, config, runs, run.device))
        run.table("first_gradients").extend(first)
