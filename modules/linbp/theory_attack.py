"""`linbp.theory_attack`: the simulated two-layer attack behind Theorem 1 (Li et al. 2022, Sec. 3.1, 4.1, Fig. 1).

The teacher holds the optimal adversarial example x*, the student moves x there from x0 by BP and by LinBP, with the
same networks and starts. Beside the simulation run the dynamics of the expected gradients, which is what the theorem
is about, and the step-size condition that it assumes.
"""

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from suite.plugin import Number, Several, StudyConfig, option

if TYPE_CHECKING:
    from suite.host.run import Run

_PAPER = "Li et al., Sec. 4.1"
_LARGEST = 1e6  # of means, deviations and steps: their products stay far from overflow


Mode = Literal["raw", "l2", "sign"]
Dimension = Annotated[int, Field(ge=1, le=4096)]
StepSize = Annotated[Number, Field(gt=0, le=_LARGEST)]
Deviation = Annotated[Number, Field(gt=0, le=_LARGEST)]


class TheoryAttackConfig(StudyConfig):
    """BP and LinBP on the way to the optimal adversarial example of a random two-layer network."""

    modes: Several[Mode] = option(
        ("raw", "l2", "sign"), "updates: the gradient, over its l2 norm, or its sign: raw, l2, sign", source="Fig. 1"
    )
    protocol: Literal["paper", "code"] = option(
        "paper",
        "paper: raw steps as in Eq. 15; code: raw gradients divided by d1 as in the released script, which only slows "
        "them down. The default is what the theorem is stated for",
        source="Li et al., Eq. 15, and their released code",
    )
    repeats: int = option(
        1000, "independent runs: networks, optima and starts; the paper has 10", unit="runs", ge=2, le=10_000
    )
    steps: int = option(100, "steps of the attack", unit="steps", source=_PAPER, ge=1, le=100_000)
    step_size_raw: StepSize = option(0.001, "step size of raw updates", source=_PAPER)
    step_size_l2: StepSize = option(0.05, "length of an l2-normalised step", source=_PAPER)
    step_size_sign: StepSize = option(0.005, "length of a sign step in each coordinate", source=_PAPER)
    eps: StepSize = option(0.25, "half the side of the cube around the start", source=_PAPER)
    clip: bool = option(True, "keep the iterates in that cube, or let them go", source="Li et al., Eq. 15")
    mu: Number = option(1.0, "mean of a coordinate of x*", source=_PAPER, ge=-_LARGEST, le=_LARGEST)
    sigma1: Deviation = option(2.0, "standard deviation of a coordinate of x*", source=_PAPER)
    sigma2: Deviation = option(1.0, "standard deviation of a coordinate of the start", source=_PAPER)
    d1: Dimension = option(100, "dimension of x", source=_PAPER)
    d2: Dimension = option(20, "hidden rectifiers", source=_PAPER)
    d3: Dimension = option(10, "outputs", source=_PAPER)

    def step_of(self, mode: str) -> float:
        """The step size of a mode; for raw updates with the divisor of the protocol."""
        raw = self.step_size_raw / (self.d1 if self.protocol == "code" else 1)
        return {"raw": raw, "l2": self.step_size_l2, "sign": self.step_size_sign}[mode]

    @property
    def rates(self) -> dict[str, float]:
        """Share of the way to x* that expected LinBP takes a raw step: with d2 as printed, with d2 d3 as it is."""
        half = self.step_of("raw") / 2
        return {"d2": half * self.d2, "d2 d3": half * self.d2 * self.d3}

    @property
    def size(self) -> int:
        """Numbers that one run holds, about: its network, and what its states need."""
        return self.d2 * (self.d1 + self.d3) + 16 * len(self.modes) * self.d1


def theory_attack(config: TheoryAttackConfig, run: "Run") -> None:
    """The l1 distance to x* step by step: simulated, expected, and what Theorem 1 assumes (Fig. 1)."""
    from modules.linbp import simulated_attack, theory_tables
    from modules.linbp.simulation import run_chunks

    curves, gradients = [], []
    for runs in run.track(run_chunks(config.repeats, config.size), "runs"):
        name = f"{runs.start}-{runs.stop - 1}"
        columns = partial(simulated_attack.distances, config, runs, run.device)
        curves.append(run.once(f"distances {name}", columns))
        columns = partial(simulated_attack.first_gradients, config, runs, run.device)
        gradients.append(run.once(f"first gradients {name}", columns))
    first = theory_tables.join(gradients)
    run.table("first_gradients").extend(first)
    _report(config, run, theory_tables.join(curves), first)


def _report(config: TheoryAttackConfig, run: "Run", curves: dict[str, Any], first: dict[str, Any]) -> None:
    """Tables, claims and figures from the columns per run."""
    from modules.linbp import theory_claims, theory_figures, theory_tables
    from modules.linbp.simulation import DISTANCES, read_steps

    steps = read_steps(config.steps)
    for mode in config.modes:
        values = theory_tables.cube(curves, DISTANCES, len(steps), curves["mode"] == mode)
        gone = {name: theory_tables.diverged(distance) for name, distance in values.items()}
        for row in theory_tables.by_step(values, gone, steps):
            run.table("by_step").add(mode=mode, **row)
        for row in theory_tables.ahead(values, gone, steps):
            run.table("ahead").add(mode=mode, **row)
    held = theory_tables.cube(curves, theory_tables.names_held(curves), len(steps), curves["mode"] == "raw")
    for row in theory_tables.condition(held, steps):
        run.table("condition").add(**row)
    by_step, ahead, condition = (run.table(name).rows() for name in ("by_step", "ahead", "condition"))
    for row in theory_claims.of_the_attack(ahead, condition, first):
        run.table("claims").add(**row)
    for row in ahead:
        if (row["dynamics"], row["step"]) == ("simulated", config.steps):
            run.headline(**{f"LinBP ahead at step {config.steps}, {row['mode']}": row["share"]})
    for row in by_step:
        if row["diverged"] and row["step"] == config.steps:
            of = f"{row['mode']}, {row['dynamics']} {row['gradient']}"
            run.headline(**{f"runs that diverged, {of}": row["diverged"]})
    run.show("claims", title=f"What the paper says and what {config.repeats} runs say (95 % intervals)")

    of = f"{config.repeats} runs, protocol {config.protocol}{'' if config.clip else ', no clip'}"
    caption = f"Mean l1 distance to x*, {of}. {theory_figures.CAPTION} Bands: Student's 95 % interval of the change."
    run.figure("distance_by_step", theory_figures.distance_by_step(by_step), caption)
    caption = f"Share of the runs with LinBP closer to x*, {of}; bands are 95 % Wilson intervals."
    run.figure("ahead_by_step", theory_figures.ahead_by_step(ahead, "mode"), caption)
    if condition:
        caption = f"Where Eq. 21 has held up to a step, raw updates, {of}; d2 as printed, d2 d3 as derived."
        run.figure("condition_by_step", theory_figures.condition_by_step(condition, "Eq. 21"), caption)
