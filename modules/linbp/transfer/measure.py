"""`linbp.transfer` measured: each adversarial set is made once, rounded to 8 bits and shown to every model."""

import logging
from functools import partial
from itertools import product

from modules.linbp.samples import CHECKED, spread
from modules.linbp.transfer.config import TransferConfig
from modules.linbp.transfer.transfer_matrix import TransferMatrix
from suite.attacks import frozen
from suite.measuring import Run
from suite.training.bfloat16 import warn_where_imitated

log = logging.getLogger("suite")

PART = 128  # samples per stored part: what an interruption can lose


def measure(config: TransferConfig, run: Run) -> None:
    """Attacks on every surrogate under every rule, method and eps, shown to all models (Guo et al. 2020).

    Attacked are the samples that all models classify correctly, so that every cell is a rate over the same samples; a
    surrogate is shown its own sets, too. Raw tables: `models`, what the names stand for; `samples`, one row per sample,
    surrogate, rule, method and eps, with lists over the models; with `precision=bf16` also `exact`: the same of some
    of the samples under the exact attack.
    """
    if config.precision == "bf16":
        warn_where_imitated(run.device, "attacking")
    with frozen(*(run.model(ref) for ref in (*config.surrogates, *config.victims))):
        matrix = TransferMatrix(config, run)
        sources = [matrix.source(*pair) for pair in product(config.surrogates, config.gradients)]
        for source in sources:
            log.info("%s: %s", source, ", ".join(f"{name} {fact}" for name, fact in source.engine.facts.items()))
        parts = [
            (f"{source.surrogate} {source.gradient} {method} {first}", partial(matrix.rows, source, method, ids))
            for source, method in product(sources, config.methods)
            for first, ids in ((first, matrix.ids[first : first + PART]) for first in range(0, len(matrix.ids), PART))
        ]
        for columns in run.each(parts, "transfer"):
            run.table("samples").extend(columns)
        if config.precision == "bf16":
            _attack_exactly(config, run, matrix)
    for row in matrix.models():
        run.table("models").add(**row)
    engines: dict[str, dict[str, object]] = {matrix.names[surrogate]: {} for surrogate in config.surrogates}
    for source in sources:
        engines[source.name][source.gradient] = dict(source.engine.facts)
    run.record(attacked=len(matrix.ids), chosen=matrix.chosen, engines=engines)


def _attack_exactly(config: TransferConfig, run: Run, matrix: TransferMatrix) -> None:
    """The exact attack on some of the samples, to tell which successes are lost: on all it would save nothing."""
    checked = spread(matrix.ids, CHECKED)
    sources = [matrix.source(*pair, exact=True) for pair in product(config.surrogates, config.gradients)]
    parts = [
        (f"{source.surrogate} {source.gradient} {method} exact", partial(matrix.rows, source, method, checked))
        for source, method in product(sources, config.methods)
    ]
    for columns in run.each(parts, "exact attack"):
        kept = ("id", "surrogate", "gradient", "method", "eps", "fooled")
        run.table("exact").extend({name: columns[name] for name in kept})
