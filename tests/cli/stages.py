"""An experiment of two stages, and the runs that it made."""

import json
from pathlib import Path
from typing import Any

TWO_STAGES = """
question = "What are squares of squares?"

[stages.second]
study = "toy.squares"
set = { numbers = "{first.headline.largest}" }
grid = { repeats = [1, 2], step_size = "{first.config.step_size} * [1, 2]" }

[stages.first]
study = "toy.squares"
grid = { repeats = [1, 2] }
zip = { numbers = [[3], [4]], batch = [1, 2] }

[presets.small.first]
set = { numbers = [5] }
zip = { batch = [1] }

[presets.small.second]
set = { step_size = 0.5, numbers = "[{first.headline.largest}]" }
"""


def runs(where: Path) -> dict[str, dict[str, Any]]:
    """The content of every `run.json`, by the run's key."""
    return {path.parent.name: json.loads(path.read_text()) for path in where.glob("runs/toy.squares/*/run.json")}
