"""A study that makes a model, and one that asks models: of earlier runs, and of the zoo."""

from typing import TYPE_CHECKING

from gated.draws import pass_gate
from suite.plugin import ArchitectureRef, DatasetRef, ModelRefs, StudyConfig, option

if TYPE_CHECKING:
    from suite.host.run import Run


class NetsConfig(StudyConfig):
    """Which net."""

    architecture: ArchitectureRef = option("two-layer(width=4)", "architecture")
    dataset: DatasetRef = option("digits", "data set")


class LogitsConfig(StudyConfig):
    """Whom to ask."""

    models: ModelRefs = option(("digits-cnn",), "models")
    dataset: DatasetRef = option("digits", "data set")


def nets(config: NetsConfig, run: "Run") -> None:
    """Saves a net with its initial weights."""
    pass_gate(f"net-{run.seed}")
    run.save_model("net", run.architecture(config.architecture).initial(run.seed, run.device))


def logits(config: LogitsConfig, run: "Run") -> None:
    """The logits of three test images."""
    import torch

    images = run.dataset(config.dataset).test.pixels(device=run.device)[:3]
    for ref in config.models:
        pass_gate(f"logits-{run.seed}")
        with torch.no_grad():
            run.table("logits").extend(
                run.once(ref, lambda ref=ref: {"model": [ref] * 30, "logit": run.model(ref)(images).flatten().numpy()})
            )
