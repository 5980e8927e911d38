"""`linbp.adv_train` measured: each training a part of the run, resumed epoch by epoch."""

from dataclasses import asdict

from modules.linbp.adv_train.adversarial_trainings import AdversarialTrainings
from modules.linbp.adv_train.config import AdvTrainConfig
from modules.linbp.training import measure_curves
from suite.measuring import Run


def measure(config: AdvTrainConfig, run: Run) -> None:
    """Clean and robust accuracy per epoch of adversarial training by each strategy (Li et al. 2022, Sec. 4.2, Fig. 7).

    Strategies: `bp`, the usual adversarial training; `weights`, where a rule gives the weights' gradient; and
    `weights+examples`, where it also crafts the training examples. Robustness is always measured with true gradients.

    Raw table: `curves`, one row per training and epoch.
    """
    trainings = AdversarialTrainings(config, run)
    measure_curves(
        run,
        trainings.cells,
        trainings.curve,
        train=trainings.train,
        test=trainings.test,
        recipe=asdict(trainings.recipe),
    )
