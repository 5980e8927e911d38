"""`linbp.attack` measured: every rule attacks the samples that the model classifies correctly when clean."""

import logging
from functools import partial

from modules.linbp.attack.auto_start import calibrated, is_auto
from modules.linbp.attack.config import AttackConfig
from modules.linbp.attack.white_box import WhiteBox
from modules.linbp.samples import spread
from modules.linbp.starts import starting_at
from suite.attacks import frozen
from suite.measuring import Run
from suite.models import Classifier

log = logging.getLogger("suite")

PART = 256  # samples per stored part: what an interruption can lose


def measure(config: AttackConfig, run: Run) -> None:
    """Attacks under each gradient rule, at every eps and step (Li et al. 2022, Sec. 4.2, Table 1).

    Raw tables: `samples`, one row per sample, rule and eps; `examples`, a few images of them; `calibration`, one row
    per start that was tried for `start=auto`.
    """
    model = run.model(config.model)
    with frozen(model):
        white_box = _white_box(config, run, model)
        attackers = {gradient: white_box.attacker(gradient) for gradient in config.gradients}
        for gradient, facts in white_box.facts.items():
            log.info("%s: %s", gradient, ", ".join(f"{name} {fact}" for name, fact in facts.items()))
        parts = [
            (f"{gradient} {first}", partial(white_box.rows, gradient, attacker, white_box.ids[first : first + PART]))
            for gradient, attacker in attackers.items()
            for first in range(0, len(white_box.ids), PART)
        ]
        for columns in run.each(parts, "attack"):
            run.table("samples").extend(columns)
        for gradient, attacker in attackers.items() if config.examples else ():
            pictures = partial(white_box.pictures, gradient, attacker, spread(white_box.ids, config.examples))
            run.table("examples").extend(run.once(f"{gradient} examples", pictures))
    run.record(
        clean_accuracy=white_box.clean_accuracy,
        attacked=len(white_box.ids),
        engines=white_box.facts,
        steps=list(white_box.steps),
        readings=list(white_box.readings),
    )


def _white_box(config: AttackConfig, run: Run, model: Classifier) -> WhiteBox:
    """What is attacked under which rules; starts that are left open are found here, on training samples."""
    left_open = [ref for ref in config.gradients if is_auto(ref)]
    given = {ref: run.gradient(ref) for ref in config.gradients if ref not in left_open}
    white_box = WhiteBox(config, run, model, run.dataset(config.dataset).test, given)
    found = calibrated(config, run, model, left_open)
    for ref, answer in found.items():
        white_box.add(ref, starting_at(run.gradient(ref), answer.start))
        for row in answer.rows:
            run.table("calibration").add(**row)
    if found:
        run.record(starts={ref: answer.fact for ref, answer in found.items()})
    return white_box
