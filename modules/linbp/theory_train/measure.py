"""`linbp.theory_train` measured: many runs at once, each with the same start and samples for both rules."""

from functools import partial

from modules.linbp.simulation import run_chunks
from modules.linbp.theory_train.config import TheoryTrainConfig
from modules.linbp.theory_train.simulated_training import curves
from suite.measuring import Run


def measure(config: TheoryTrainConfig, run: Run) -> None:
    """Trains one rectifier on a teacher's answers by BP and by LinBP (Li et al. 2022, Sec. 3.2, Theorem 2, Fig. 2).

    Beside the simulation run the dynamics of the expected gradients, which is what the theorem is about, and the step
    size that it assumes.

    Raw table: `curves`, one row per run and step that is read.
    """
    for runs in run.track(run_chunks(config.repeats, config.size), "runs"):
        columns = partial(curves, config, runs, run.device)
        run.table("curves").extend(run.once(f"curves {runs.start}-{runs.stop - 1}", columns))
