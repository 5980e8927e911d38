"""`linbp.positions` measured: every start attacks the same samples, watched on the way."""

from functools import partial

from modules.linbp.positions.config import PositionsConfig
from modules.linbp.positions.sweep import Sweep
from suite.attacks import frozen
from suite.measuring import Run

PART = 256  # samples per stored part: what an interruption can lose


def measure(config: PositionsConfig, run: Run) -> None:
    """Attacks from every start of the rule and under BP (ours; Guo et al. 2020 choose the start by hand).

    Raw tables: `starts`, the starts that the rule accepts; `samples`, one row per sample and start: success and loss at
    every step, the gradient beside the true one, and which victims the last iterate fools.
    """
    model, victims = run.model(config.model), [run.model(ref) for ref in config.victims or ()]
    with frozen(model, *victims):
        sweep = Sweep(config, run, model, victims)
        for start in run.track(sweep.rules, "starts"):
            engine = sweep.engine(start)
            for first in range(0, len(sweep.ids), PART):
                rows = partial(sweep.rows, start, engine, sweep.ids[first : first + PART])
                run.table("samples").extend(run.once(f"start {start}, {first}", rows))
    for each in sweep.starts:
        run.table("starts").add(start=str(each.index), path=each.path, stage=each.stage)
    run.record(
        clean_accuracy=sweep.clean_accuracy,
        attacked=len(sweep.ids),
        watched=len(sweep.watched),
        default_start=sweep.default,
    )
