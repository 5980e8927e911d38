"""`linbp.train` measured: each training a part of the run, resumed epoch by epoch."""

from dataclasses import asdict

from modules.linbp.train.config import TrainConfig, format_factor
from modules.linbp.train.trainings import Trainings
from modules.linbp.training import measure_curves
from suite.measuring import Run


def measure(config: TrainConfig, run: Run) -> None:
    """Loss and accuracy per epoch of BP and LinBP training (Li et al. 2022, Sec. 4.2, Fig. 3-6 and 8).

    Raw table: `curves`, one row per training and epoch.
    """
    trainings = Trainings(config, run)
    recipes = {
        f"{model} x{format_factor(factor)}": asdict(recipe) for (model, factor), recipe in trainings.recipes.items()
    }
    measure_curves(run, trainings.cells, trainings.curve, train=trainings.train, test=trainings.test, recipes=recipes)
