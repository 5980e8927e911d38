"""`linbp.attack` measured: every rule attacks the samples that the model classifies correctly when clean."""

import logging
from dataclasses import asdict
from functools import partial

from modules.linbp.attack.auto_start import calibrations, is_auto
from modules.linbp.attack.config import AttackConfig
from modules.linbp.attack.white_box import WhiteBox
from modules.linbp.samples import CHECKED, spread
from modules.linbp.starts import starting_at
from suite.attacks import MEMBERS, check_compiler, frozen
from suite.measuring import Run
from suite.models import Classifier
from suite.training.bfloat16 import warn_where_imitated

log = logging.getLogger("suite")

PART = 256  # samples per stored part: what an interruption can lose


def measure(config: AttackConfig, run: Run) -> None:
    """Attacks under each gradient rule, at every eps and step (Li et al. 2022, Sec. 4.2, Table 1).

    Raw tables: `samples`, one row per sample, rule and eps; `examples`, a few images of them; `calibration`, one row
    per start that was tried for `start=auto`; with `precision=bf16` or `compile` also `exact`: what the exact attack
    does to some of the samples.
    """
    if config.precision == "bf16":
        warn_where_imitated(run.device, "attacking")
    if config.compile:
        check_compiler(run.device)
    model = run.model(config.model)
    with frozen(model):
        white_box = _white_box(config, run, model)
        attackers = [white_box.attacker(gradient) for gradient in config.gradients]
        for attacker in attackers:
            log.info("%s: %s", attacker.gradient, ", ".join(f"{name} {x}" for name, x in attacker.facts.items()))
        parts = [
            (f"{attacker.gradient} {first}", partial(white_box.rows, attacker, white_box.ids[first : first + PART]))
            for attacker in attackers
            for first in range(0, len(white_box.ids), PART)
        ]
        for columns in run.each(parts, "attack"):
            run.table("samples").extend(columns)
        if config.checked:
            _attack_exactly(config, run, white_box)
        for attacker in attackers if config.examples else ():
            pictures = partial(white_box.pictures, attacker, spread(white_box.ids, config.examples))
            run.table("examples").extend(run.once(f"{attacker.gradient} examples", pictures))
    run.record(
        clean_accuracy=white_box.clean_accuracy,
        attacked=len(white_box.ids),
        engines={attacker.gradient: attacker.facts for attacker in attackers},
        gradient_health={rule: asdict(white_box.health(rule)) for rule in config.gradients},
        output_probe=asdict(white_box.outputs()),
        unbounded_probe={rule: asdict(white_box.unbounded(rule)) for rule in config.gradients},
        steps=white_box.steps,
        readings=white_box.readings,
        **({"members": MEMBERS} if config.ensemble else {}),
    )


def _attack_exactly(config: AttackConfig, run: Run, white_box: WhiteBox) -> None:
    """The exact attack on some of the samples, to tell which successes are lost: on all it would save nothing."""
    checked = spread(white_box.ids, CHECKED)
    attackers = [white_box.attacker(gradient, exact=True) for gradient in config.gradients]
    parts = [(f"{attacker.gradient} exact", partial(white_box.rows, attacker, checked)) for attacker in attackers]
    for columns in run.each(parts, "exact attack"):
        run.table("exact").extend({name: columns[name] for name in ("id", "gradient", "eps", "fooled")})


def _white_box(config: AttackConfig, run: Run, model: Classifier) -> WhiteBox:
    """The model under all rules; starts that are left open are calibrated here, on training samples."""
    left_open = [ref for ref in config.gradients if is_auto(ref)]
    given = {ref: run.gradient(ref) for ref in config.gradients if ref not in left_open}
    white_box = WhiteBox(config, run, model, run.dataset(config.dataset).test, given)
    calibrated = calibrations(config, run, model, left_open)
    for ref, calibration in calibrated.items():
        white_box.add(ref, starting_at(run.gradient(ref), calibration.start))
        for row in calibration.rows:
            run.table("calibration").add(**row)
    if calibrated:
        run.record(starts={ref: str(calibration) for ref, calibration in calibrated.items()})
    return white_box
