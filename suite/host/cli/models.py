"""`suite models`: the zoo, training its models, and a look into any model."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from suite.host.cli.helping import Verbs
from suite.host.cli.options import device_option, json_option, option
from suite.host.cli.text import print_table

if TYPE_CHECKING:
    from suite.training import Epoch

SCHEDULES = ("constant", "exponential", "cosine", "multistep", "rise-fall", "cyclic", "hold-fall")
AUGMENTS = ("none", "zero", "reflect")
"""Those of `suite.training.Recipe`, named here since importing it imports torch."""


@click.group(name="models", cls=Verbs, no_args_is_help=False)
def command() -> None:
    """List and train the models of the zoo; look into any model."""


@command.command(name="list")
@json_option()
def list_models(as_json: bool) -> None:
    """List architectures, where LinBP starts in them, and the trained weights: in the cache, or of the package."""
    from suite.host.plain import plain
    from suite.models import describe

    described = describe()
    if as_json:
        told = [asdict(row) for row in described]
        click.echo(json.dumps(plain(told), default=str, allow_nan=False))
        return
    rows = [
        {
            "name": row.name,
            "LinBP starts at": str(row.linbp_start),
            "summary": row.summary,
            "paper": row.paper,
        }
        for row in described
    ]
    print_table(rows, list(rows[0]))
    for weights in (weights for row in described for weights in row.trained):
        if weights.accuracy is None:
            click.echo(f"damaged: {weights.model}, {weights.path} (delete it, or train it again: suite models train)")
        else:
            click.echo(f"trained: {weights.model} on {weights.dataset}, accuracy {weights.accuracy:.2%}")


@command.command()
@click.argument("ref")
@option("--dataset", default="digits", show_default=True, metavar="DATASET", help="Whose images it shall take.")
@option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
def inspect(ref: str, dataset: str, as_json: bool) -> None:
    """Show a model's rectifiers, residual blocks, pools and attention, and where rules can start."""
    from suite import data
    from suite.host.cli.inspecting import inspection_json, inspection_text
    from suite.models.inspection import inspect_model

    found = inspect_model(ref, data.load(dataset))
    click.echo(inspection_json(found) if as_json else inspection_text(found))


@command.command()
@click.argument("name")
@option("--dataset", required=True, metavar="DATASET", help="What to train on.")
@option("--epochs", type=int, help="Passes over the training set; the recipe's unless given.")
@option("--batch-size", type=int, help="Samples a step; the recipe's unless given.")
@option("--learning-rate", type=float, help="Of the first epoch; the recipe's unless given.")
@option("--schedule", type=click.Choice(SCHEDULES), help="How the learning rate changes; the recipe's unless given.")
@option(
    "--augment",
    type=click.Choice(AUGMENTS),
    help="Random flips, and crops after padding with zeros or reflections, or none; the recipe's unless given.",
)
@option(
    "--bfloat16/--no-bfloat16",
    default=None,
    help="Layers that can compute in bfloat16 do: other numbers, faster on processors that have it.",
)
@option("--channels-last/--no-channels-last", default=None, help="Lay images out with channels last: faster, rounded.")
@option("--seed", type=int, default=0, show_default=True, help="Of the initial weights and every draw.")
@option(
    "--keep",
    default="",
    metavar="EPOCHS",
    callback=lambda _context, _parameter, typed: _epochs(typed),
    help="Store the weights after these epochs as well: 5,10,20.",
)
@device_option()
def train(name: str, dataset: str, seed: int, keep: list[int], device: str, **settings: Any) -> None:
    """Train a model by its recipe into the cache, or continue an interrupted training."""
    from suite import data, models
    from suite.host.inputs import choose_device

    overrides = {key: value for key, value in settings.items() if value is not None}
    chosen, loaded = choose_device(device), data.load(dataset)
    model = models.train(name, loaded, device=chosen, seed=seed, on_epoch=_say, keep=keep, **overrides)
    click.echo(f"{name} on {dataset}: accuracy {model.info.accuracy:.2%}, stored at {model.info.source}")
    for epoch, file in ((epoch, models.kept_weights(Path(model.info.source), epoch)) for epoch in keep):
        where = f"stored at {file}" if file.exists() else "not stored: it was trained before this was asked for"
        click.echo(f"after epoch {epoch}: {where}")


def _epochs(typed: str) -> list[int]:
    """`5,10,20`, ascending."""
    try:
        return sorted({int(epoch) for epoch in typed.split(",") if typed})
    except ValueError:
        raise click.BadParameter(f"{typed!r} is no list of epochs; give for example 5,10,20") from None


def _say(epoch: "Epoch") -> None:
    click.echo(f"epoch {epoch.number + 1}: loss {epoch.loss:.4g}, accuracy {epoch.accuracy:.2%}", err=True)
