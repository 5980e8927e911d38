"""`linbp.train` measured: each training a part of the run, resumed epoch by epoch."""

from functools import partial

from modules.linbp.train.config import TrainConfig
from modules.linbp.train.trainings import Trainings
from suite.measuring import Run


def measure(config: TrainConfig, run: Run) -> None:
    """Loss and accuracy per epoch of BP and LinBP training (Li et al. 2022, Sec. 4.2, Fig. 3-6 and 8).

    Raw table: `curves`, one row per training and epoch.
    """
    trainings = Trainings(config, run)
    parts = [(str(cell), partial(trainings.curve, cell)) for cell in trainings.cells]
    for cell, columns in zip(trainings.cells, run.each(parts, "trainings"), strict=True):
        run.table("curves").extend(columns)
        trainings.forget(cell)
    run.record(**trainings.facts)
