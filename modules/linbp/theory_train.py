"""`linbp.theory_train`: the simulated one-layer training behind Theorem 2 (Li et al. 2022, Sec. 3.2, 4.1, Fig. 2).

A teacher relu(x^T w*) is learnt from the same start and the same samples by BP and by LinBP. Beside the simulation run
the dynamics of the expected gradients, which is what the theorem is about, and the step-size condition it assumes.
"""

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from suite.plugin import Number, StudyConfig, option

if TYPE_CHECKING:
    from suite.host.run import Run

_PAPER = "Li et al., Sec. 4.1"
_CODE = "Li et al., Eq. 17, and their released code"
_LARGEST = 1e6  # of means, deviations and steps: their products stay far from overflow

Deviation = Annotated[Number, Field(gt=0, le=_LARGEST)]


class TheoryTrainConfig(StudyConfig):
    """BP and LinBP training of one rectifier on a teacher's answers."""

    protocol: Literal["paper", "code"] = option(
        "code",
        "paper: N samples drawn once, loss summed over them; code: fresh samples every step, loss averaged. The "
        "default is what the 10,000 steps of Fig. 2 need: summed, both rules are done after some 500",
        source=_CODE,
    )
    samples: Literal["fresh", "fixed"] | None = option(
        None, "samples drawn every step or once; none leaves it to the protocol", source=_CODE
    )
    loss: Literal["mean", "sum"] | None = option(
        None, "loss over N or as printed; none leaves it to the protocol", source=_CODE
    )
    repeats: int = option(
        100, "independent runs: teachers, starts and samples; the paper has 10", unit="runs", ge=2, le=10_000
    )
    steps: int = option(10_000, "steps of training", unit="steps", source=_PAPER, ge=1, le=1_000_000)
    step_size: Annotated[Number, Field(gt=0, le=_LARGEST)] = option(0.001, "learning rate", source=_PAPER)
    mu: Number = option(1.0, "mean of a coordinate of w*", source=_PAPER, ge=-_LARGEST, le=_LARGEST)
    sigma1: Deviation = option(3.0, "standard deviation of a coordinate of w*", source=_PAPER)
    sigma2: Deviation = option(1.0, "standard deviation of a coordinate of the start", source=_PAPER)
    n: int = option(100, "samples N in a step", unit="samples", source=_PAPER, ge=1, le=10_000)
    d: int = option(10, "dimension of w", source=_PAPER, ge=1, le=1000)

    @property
    def fresh(self) -> bool:
        """Whether samples are drawn every step."""
        return (self.samples or {"paper": "fixed", "code": "fresh"}[self.protocol]) == "fresh"

    @property
    def divisor(self) -> int:
        """What gradient and loss are divided by."""
        mean = (self.loss or {"paper": "sum", "code": "mean"}[self.protocol]) == "mean"
        return self.n if mean else 1

    @property
    def rates(self) -> dict[str, float]:
        """Share of the way to w* that expected LinBP takes a step."""
        return {"N": self.step_size * self.n / self.divisor / 2}

    @property
    def size(self) -> int:
        """Numbers that one run holds, about: its samples."""
        return (16 if self.fresh else 1) * self.n * self.d + 8 * self.n


def theory_train(config: TheoryTrainConfig, run: "Run") -> None:
    """Loss and l1 distance to w* step by step: simulated, expected, and what Theorem 2 assumes (Fig. 2)."""
    from modules.linbp import simulated_training, theory_tables
    from modules.linbp.simulation import run_chunks

    parts = []
    for runs in run.track(run_chunks(config.repeats, config.size), "runs"):
        columns = partial(simulated_training.curves, config, runs, run.device)
        parts.append(run.once(f"curves {runs.start}-{runs.stop - 1}", columns))
    _report(config, run, theory_tables.join(parts))


def _report(config: TheoryTrainConfig, run: "Run", columns: dict[str, Any]) -> None:
    """Tables, claims and figures from the columns per run."""
    from modules.linbp import theory_claims, theory_figures, theory_tables
    from modules.linbp.simulation import read_steps

    steps = read_steps(config.steps)
    for quantity, values, gone in theory_tables.of_the_training(columns, len(steps)):
        for row in theory_tables.by_step(values, gone, steps):
            run.table("by_step").add(quantity=quantity, **row)
        for row in theory_tables.ahead(values, gone, steps):
            run.table("ahead").add(quantity=quantity, **row)
    held = theory_tables.cube(columns, theory_tables.names_held(columns), len(steps))
    for row in theory_tables.condition(held, steps):
        run.table("condition").add(**row)
    by_step, ahead, condition = (run.table(name).rows() for name in ("by_step", "ahead", "condition"))
    for row in theory_claims.of_the_training(by_step, ahead, condition):
        run.table("claims").add(**row)
    for row in by_step:
        if (row["quantity"], row["dynamics"], row["step"]) == ("l1 distance", "simulated", config.steps):
            run.headline(**{f"l1 distance at step {config.steps}, {row['gradient']}": row["mean"]})
    for row in by_step:
        if row["diverged"] and row["step"] == config.steps:
            of = f"{row['quantity']}, {row['dynamics']} {row['gradient']}"
            run.headline(**{f"runs that diverged, {of}": row["diverged"]})
    run.show("claims", title=f"What the paper says and what {config.repeats} runs say (95 % intervals)")

    samples = "fresh samples every step" if config.fresh else "fixed samples"
    of = f"{config.repeats} runs, {samples}, {'summed' if config.divisor == 1 else 'mean'} loss"
    caption = f"Training loss and l1 distance to w*, {of}. {theory_figures.CAPTION} Bands: Student's 95 % intervals."
    run.figure("training_by_step", theory_figures.training_by_step(by_step), caption)
    caption = f"Share of the runs with LinBP ahead, {of}; bands are 95 % Wilson intervals."
    run.figure("ahead_by_step", theory_figures.ahead_by_step(ahead, "quantity"), caption)
    if condition:
        caption = f"Where Eq. 22 has held up to a step, {of}."
        run.figure("condition_by_step", theory_figures.condition_by_step(condition, "Eq. 22"), caption)
