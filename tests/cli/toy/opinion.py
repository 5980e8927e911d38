"""A study that judges a claim, in presets of rising cost; TOY_FATE=crash@opinion makes it fail."""

import os
from pathlib import Path

from suite.host.run import Run
from suite.plugin import DatasetRef, Steps, StudyConfig, option


class OpinionConfig(StudyConfig):
    """What to judge."""

    numbers: Steps = option((1, 2, 3), "Numbers to square.")
    dataset: DatasetRef | None = option(None, "Not used, but to be there.")


def opinion(config: OpinionConfig, run: Run) -> None:
    """Whether squares grow faster than their numbers."""
    run.once("start", lambda: {"n": [len(config.numbers)]})
    if os.environ.get("TOY_FATE") == "crash@opinion":
        raise ZeroDivisionError("division by opinion")
    with Path(os.environ["TOY_LOG"]).open("a") as log:
        log.write(f"growth of {len(config.numbers)}\n")
    for step, number in enumerate(config.numbers):
        run.table("curve").add(step=step, square=number**2)
    most = max(config.numbers)
    run.table("claims").add(
        claim="squares grow faster", source="Table 9", published=3.0, measured=float(most), low=most - 0.5,
        high=most + 0.5, n=len(config.numbers), verdict="reproduced" if most == 3 else "differs",
    )  # fmt: skip
