"""What is killed: the smallest commands that write each kind of thing."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import numpy as np
from PIL import Image

from .kills import Area

EXPERIMENT = """
question = "Do points that refer to others survive?"

[stages.first]
study = "tried.draws"
grid = { seed = [0, 1] }

[stages.second]
study = "tried.draws"
set = { offset = "{first.headline.largest} + 1" }
grid = { seed = [0, 1] }

[tables.both]
rows = "second.means"
mean = "draw"
by = ["number"]

[figures.both]
table = "both"
x = "number"
series = "number"
"""


def areas(inputs: Path) -> dict[str, tuple[Area, int]]:
    """Each area with the kills that the long form gives it; inputs are made in a folder of their own."""
    inputs.mkdir(parents=True, exist_ok=True)
    archive, experiment = inputs / "images.zip", inputs / "both.toml"
    if not archive.exists():
        archive.write_bytes(images(300))
    experiment.write_text(EXPERIMENT)
    draws, grid = "tried.draws", "--grid seed=0,1"
    net = "models train two-layer(width=4) --dataset digits --epochs 4"
    train = "run linbp.train --preset smoke"
    return {
        "study": (Area("a study", f"run {draws}"), 50),
        "fresh": (Area("a study measured again with --fresh", f"run {draws} --fresh"), 20),
        "sweep": (Area("a sweep", f"sweep {draws} {grid}"), 30),
        "experiment": (Area("an experiment with a joint table and figure", f"experiment {experiment}"), 20),
        "zoo": (Area("training a net of the zoo, from an empty cache", net), 40),
        "decoding": (Area("decoding a zip of images", f"data prepare folder:{archive}"), 40),
        "training-study": (Area("a study that trains nets and draws, from an empty cache", train), 6),
        "jobs": (Area("a study with --jobs 2", f"run {draws} --jobs 2", warm=False), 8),
        "sweep-jobs": (Area("a sweep with --jobs 2", f"sweep {draws} {grid} --jobs 2", warm=False), 8),
    }


def on_ray() -> tuple[Area, int]:
    """Ray answers a SIGTERM by itself while it connects."""
    words = "sweep tried.draws --grid seed=0,1 --executor ray --jobs 1"
    return Area("a sweep on a Ray of its own", words, warm=False, answer="SIGTERM received"), 20


@contextmanager
def plugin(folder: Path) -> Iterator[None]:
    """Within the block the plugin `tried` is installed for this process and those that it starts."""
    site, root = folder / "site", Path(__file__).parents[2]
    shutil.copytree(Path(__file__).parent / "tried", site / "tried", ignore=shutil.ignore_patterns("__pycache__"))
    info = site / "tried_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tried-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[suite.modules]\ntried = tried:module\n")
    before = os.environ.get("PYTHONPATH")
    sys.path[:0] = [str(site), str(root)]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(site), str(root), before]))
    try:
        yield
    finally:
        for path in (site, root):
            sys.path.remove(str(path))
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before


def images(count: int) -> bytes:
    """A zip of so many training images and ten for a test, in two classes."""
    draws, buffer = np.random.default_rng(0), BytesIO()
    with ZipFile(buffer, "w") as archive:
        for number in range(count + 10):
            content = BytesIO()
            Image.fromarray(draws.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(content, "png")
            split = "train" if number < count else "test"
            archive.writestr(f"{split}/{'ab'[number % 2]}/{number}.png", content.getvalue())
    return buffer.getvalue()
