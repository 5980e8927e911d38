"""`linbp.positions`: LinBP's start swept over every rectifier call of a model, and what happens on the way.

From which layer on does LinBP help this model, and why? Every start attacks the same samples: success within few
steps and transfer to other models against BP's, the loss that is reached, and how the LinBP gradient stands to the
true one at each iterate of its own path (Li et al. 2022, Sec. 4.2; Guo et al. 2020 choose the start by hand).
"""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator, model_validator

from suite.plugin import DatasetRef, Epsilon, GradientRef, ModelRef, ModelRefs, Number, Steps, StudyConfig, option
from suite.refs import format_number, parse_sum, split_list

if TYPE_CHECKING:
    from modules.linbp.positions_scene import Scene
    from suite.host.run import Run

PART = 256  # samples per stored part: what an interruption can lose
_TABLE = "Li et al., Sec. 4.2, Table 1"


def _indices(value: object) -> object:
    """Comma-separated text, or a single index, as a tuple."""
    if isinstance(value, str):
        return tuple(split_list(value))
    return (value,) if isinstance(value, int) else value


class PositionsConfig(StudyConfig):
    """LinBP's start swept over all rectifier calls of one model."""

    model: ModelRef = option("digits-cnn", "model: name, name(k=v), name@WEIGHTS, run:RUN/NAME, import:pkg.mod:factory")
    dataset: DatasetRef = option("digits", "data set, or folder:PATH")
    split: Literal["train", "test"] = option(
        "train", "samples to sweep on: calibration samples of the training split leave the test split untouched"
    )
    gradient: GradientRef = option(
        "linbp", "gradient rule whose start is swept, e.g. linbp(variant=guo)", source="Li et al., Eq. 5, 6"
    )
    victims: ModelRefs | None = option(None, "models that the adversarial samples, rounded to 8 bits, are shown to")
    positions: Annotated[tuple[int, ...], BeforeValidator(_indices)] | None = option(
        None, "rectifier calls to start at, 0 the first, -1 the last; not given: all"
    )
    stride: int = option(1, "start at every so many-th rectifier call, from the first on", gt=0)
    eps: Epsilon = option(0.05, "attack strength: radius of the sup-norm ball", unit="pixels in [0, 1]", source=_TABLE)
    steps: Steps = option((1, 2, 5, 10), "numbers of steps K at which success is read; transfer after the last")
    step_size: Number = option(2 / 255, "length of a step", unit="as eps", source=_TABLE, gt=0)
    loss: Literal["ce", "nll_logits", "stable_ce"] = option(
        "ce", "cross-entropy; minus the true logit; or cross-entropy without its cancellation at p = 1"
    )
    limit: int | None = option(300, "use at most this many samples, class-balanced", unit="samples", gt=0)
    watched: int = option(100, "samples of these at whose iterates the true gradient is computed too", gt=1)
    engine: Literal["auto", "autograd"] = option(
        "auto", "backward pass of a linearised tail: one matrix (where that is exact), or autograd"
    )
    batch_size: int = option(64, "samples attacked at once", unit="samples", in_key=False, gt=0)

    @model_validator(mode="after")
    def _starts_are_chosen_once(self) -> "PositionsConfig":
        if self.positions and self.stride > 1:
            raise ValueError("--positions and --stride both choose the starts: give one of them")
        if any("start" in call.arguments for call in parse_sum(self.gradient)):
            raise ValueError(f"--gradient {self.gradient}: its start is what is swept; leave it out")
        return self


def positions(config: PositionsConfig, run: "Run") -> None:
    """Success, transfer, loss reached and gradient angles for every start, each against BP (ours)."""
    from modules.linbp.positions_scene import Scene
    from suite.attacks import frozen

    model, victims = run.model(config.model), [run.model(ref) for ref in config.victims or ()]
    with frozen(model, *victims):
        scene = Scene(config, run, model, victims)
        for start in run.track(scene.rules, "starts"):
            engine = scene.engine(start)
            for first in range(0, len(scene.ids), PART):
                rows = partial(scene.rows, start, engine, scene.ids[first : first + PART])
                run.table("samples").extend(run.once(f"start {start}, {first}", rows))
    run.record(clean_accuracy=scene.clean_accuracy, attacked=len(scene.ids), default_start=scene.default)
    _report(config, run, scene)


def _names(refs: Sequence[str]) -> list[str]:
    """References without the paths of weights, where that tells them apart."""
    short = [ref.partition("@")[0] for ref in refs]
    return short if len(set(short)) == len(refs) else list(refs)


def _report(config: PositionsConfig, run: "Run", scene: "Scene") -> None:
    """Rates, tests, angles and figures from the rows per sample."""
    from modules.linbp import positions_figures, positions_tables

    samples, paths = run.table("samples").columns, scene.paths
    for start in scene.starts:
        run.table("starts").add(start=str(start.index), path=start.path, stage=start.stage)
    tables = {
        "success": positions_tables.success(samples, config.steps),
        "transfer": positions_tables.transfer(samples, _names(config.victims or ())),
        "loss": positions_tables.losses(samples),
        "diagnostics": positions_tables.diagnostics(samples),
    }
    rows = {name: [row | {"path": paths[row["start"]]} for row in made] for name, made in tables.items()}
    for name, made in rows.items():
        for row in made:
            run.table(name).add(**row)
    success, transfer, loss, diagnostics = rows.values()
    for row in positions_tables.best(success, transfer, paths):
        run.table("best").add(**row)
        found = f"{row['start']} ({row['path']})" if row["verdict"] == "helps" else "none"
        run.headline(**{f"best start for {row['measure']}": found})
    for row in positions_tables.why(success, loss, diagnostics):
        run.table("why").add(**row)

    of = f"{len(scene.ids)} {config.split} samples"
    last, watched = max(config.steps), min(config.watched, len(scene.ids))
    run.show(
        "best", "measure", "verdict", "start", "path", "rate", "bp", "difference", "low", "high", "p_holm", "n",
        "better", "worse", "from_", "to",
        title=f"Best start of {config.gradient} in {config.model} / {config.dataset}, {of}, eps "
        f"{format_number(config.eps)}, step {format_number(config.step_size)}; helps: above BP, p_holm <= 0.05",
    )  # fmt: skip
    run.show("why", title="Rank correlation over the starts of success with what might explain it")
    caption = (
        f"Against the start of {config.gradient}, n = {len(scene.ids)}, bands are 95 % intervals: success within "
        f"K steps and transfer after {last}, minus BP's (paired, Newcombe); angle and length of the rule's gradient "
        f"against the true one at the iterates of its own path ({watched} samples); mean cross-entropy after "
        "K steps. BP is the dashed line; the dotted line is the start that the model zoo chooses."
    )
    of_starts = run.table("starts").rows()
    figure = positions_figures.by_position(of_starts, success, transfer, diagnostics, loss, scene.default)
    run.figure("by_position", figure, caption)
    figure = positions_figures.along_path(of_starts, diagnostics, loss)
    run.figure("along_path", figure, "Along the path of each start's own attack: means over the same samples.")
