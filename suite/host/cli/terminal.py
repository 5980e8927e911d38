"""The terminal that a command writes to, if it is one: its width, and whether it shows colours."""

import os
import shutil
import sys

import click

COLOURS = {
    "finished": "green",
    "running": "cyan",
    "interrupted": "yellow",
    "failed": "red",
    "unreadable": "red",
    "reproduced": "green",
    "differs": "red",
    "cannot be told": "yellow",
}
"""Words that are coloured; they say the same without."""


def width() -> int | None:
    """Columns of the terminal; None where the output goes into a file or a pipe."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def painted(text: str) -> str:
    """The text, in the colour of the word that it is, where a terminal shows colours and nobody has forbidden them."""
    colour = COLOURS.get(text.strip())
    if colour is None:
        return text
    plain = "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb" or not sys.stdout.isatty()
    return text if plain else click.style(text, fg=colour)
