"""What `suite models list` shows."""

from dataclasses import dataclass

from suite.models.stored import Trained, trained
from suite.models.zoo import ZOO


@dataclass(frozen=True)
class Row:
    """One architecture, where LinBP starts in it and who says so, and the weights that are there."""

    name: str
    summary: str
    paper: str
    linbp_start: str | int
    linbp_source: str
    trained: tuple[Trained, ...]


def describe() -> list[Row]:
    """Every architecture in the zoo's order; weights of `wrn34(width=1)` stand under `wrn34`, damaged ones too."""
    there = list(trained())
    return [
        Row(
            entry.name,
            entry.summary,
            entry.paper,
            entry.linbp_start,
            entry.linbp_source,
            tuple(weights for weights in there if weights.model.partition("(")[0] == entry.name),
        )
        for entry in ZOO.values()
    ]
