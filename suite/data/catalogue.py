"""From a data set reference to a Dataset: `digits`, a published name, `foolbox:NAME`, or `folder:PATH`."""

from pathlib import Path
from typing import NamedTuple

from suite.data import digits, folder, foolbox_samples, published
from suite.data.cache import fetch
from suite.data.dataset import Dataset
from suite.data.foolbox_samples import SAMPLES
from suite.data.published import PUBLISHED
from suite.data.source import Source
from suite.errors import SuiteError, did_you_mean
from suite.paths import usable

FOLDER = "folder:"
NAMES: tuple[str, ...] = ("digits", *PUBLISHED, *SAMPLES)


class Listing(NamedTuple):
    """One line of `suite data list`: a reference, whether it can be loaded now, where it lies, what it is."""

    name: str
    present: bool
    where: str
    summary: str


def load(ref: str) -> Dataset:
    """The data set a reference names, decoded on first use and memory-mapped from the cache after that.

    Never downloads. Raises SuiteError when the name is unknown, the data is absent or damaged, or the cache
    cannot be written.
    """
    entry = fetch(_source(ref))
    return Dataset(ref, entry.classes, entry.train, entry.test, entry.digest)


def prepare(ref: str) -> Dataset:
    """As `load`, after downloading what is missing of a published data set into `data_root()`."""
    if ref in PUBLISHED:
        published.download(ref)
    return load(ref)


def describe() -> list[Listing]:
    """What can be named, and what of it is on this machine."""
    embedded = Listing("digits", True, "embedded", "1,797 handwritten digits, 8x8, grey (Alpaydin and Kaynak 1998)")
    rows = [
        Listing(name, any(path.is_file() for path in root.rglob("*")), str(root), entry.summary)
        for name, entry in PUBLISHED.items()
        for root in [published.root_of(name)]
    ]
    samples = [Listing(ref, True, "in Foolbox", entry.summary) for ref, entry in SAMPLES.items()]
    own = Listing("folder:PATH", True, "PATH", "a directory or zip of train/CLASS/IMAGE and test/CLASS/IMAGE")
    return [embedded, *rows, *samples, own]


def _source(ref: str) -> Source:
    if ref.startswith(FOLDER) and ref != FOLDER:
        return folder.source(Path(ref.removeprefix(FOLDER)))
    if ref == "digits":
        return digits.source()
    if ref in PUBLISHED:
        return published.source(ref)
    if ref in SAMPLES:
        return foolbox_samples.source(ref)
    remedy = f"write folder:{ref}" if ref and usable(ref).exists() else did_you_mean(ref, [*NAMES, "folder:PATH"])
    raise SuiteError(f"there is no data set {ref!r}", remedy)
