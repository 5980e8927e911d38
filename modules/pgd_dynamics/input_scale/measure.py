"""`pgd_dynamics.input_scale` measured: each training a part of the run, resumed epoch by epoch."""

from functools import partial

from modules.pgd_dynamics.input_scale.config import InputScaleConfig
from modules.pgd_dynamics.input_scale.trainings import Trainings
from suite.measuring import Run


def measure(config: InputScaleConfig, run: Run) -> None:
    """Adversarial and clean training loss by epoch, at several input scales (Deng et al. 2020, Sec. 1, Question 2).

    Raw table: `curves`, one row per training and epoch.
    """
    trainings = Trainings(config, run)
    for cell in run.track(trainings.cells, "trainings"):
        run.table("curves").extend(run.once(str(cell), partial(trainings.curve, cell)))
        trainings.forget(cell)
    run.record(mean_norm=trainings.mean_norm, train_samples=len(trainings.train[1]))
