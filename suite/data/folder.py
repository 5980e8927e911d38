"""`folder:PATH`: a directory or a zip of `train/CLASS/IMAGE` and `test/CLASS/IMAGE`.

Class folders in sorted order are the labels; images are sorted by name. All images have one size and one kind (grey,
grey with alpha, RGB, RGBA). Hidden files, `__MACOSX` and anything outside the layout are ignored. Links in a directory
are followed, as far as they lead to files. What is larger than `suite.data.bounds` allows is refused before it is read.
"""

import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from zipfile import is_zipfile

from suite.data.archive import Archive, check_names, directory, opened
from suite.data.bounds import Bounds, bounds
from suite.data.image import CONVERT, Decoder, describe
from suite.data.source import SPLITS, Contents, Decoded, Image8, Source, stamp
from suite.errors import SuiteError
from suite.paths import usable

log = logging.getLogger("suite")

LAYOUT = "expected train/CLASS/IMAGE and test/CLASS/IMAGE"

Tree = Mapping[str, Mapping[str, list[str]]]
"""Split -> class -> names of its images, everything sorted."""


def source(path: Path) -> Source:
    """The images under a directory or in a zip. Raises SuiteError when there is no such thing at `path`."""
    try:
        return _source(usable(path).expanduser(), bounds())
    except OSError as error:
        raise SuiteError(f"cannot read {path}: {error.strerror or error}", LAYOUT) from error


def _source(path: Path, allowed: Bounds) -> Source:
    if path.is_dir():
        names = list(_directory_names(path, allowed))
        files = tuple(stamp(path / name) for name in names if not name.endswith("/"))
        read = partial(_read_directory, path, names, allowed)
        return Source("folder", (str(path.resolve()), *files), read)
    if not path.exists():
        raise SuiteError(f"there is no {path}", "folder:PATH takes a directory or a zip")
    if not path.is_file() or not is_zipfile(path):
        raise SuiteError(f"{path} is neither a directory nor a zip", LAYOUT)
    return Source("folder", (stamp(path.resolve()),), partial(_read_zip, path, allowed))


def _directory_names(path: Path, allowed: Bounds) -> Iterator[str]:
    """Names below a directory as a zip would list them: class folders end in `/`."""
    count = 0
    for folder in (folder for split in SPLITS for folder in (path / split).glob("*/")):
        name = folder.relative_to(path).as_posix()
        yield f"{name}/"
        with os.scandir(folder) as files:
            for file in files:
                count += 1
                allowed.check("members", count, f"{path} has {count:,} files or more")
                if file.is_file():
                    yield f"{name}/{file.name}"
                elif not file.is_dir() and not file.name.startswith("."):
                    what = f"{name}/{file.name} in {path} is no file"
                    raise SuiteError(what, "remove the broken link, pipe or device")


@contextmanager
def _read_directory(path: Path, names: list[str], allowed: Bounds) -> Iterator[Contents]:
    check_names(names, path)
    yield _contents(directory(path, names, allowed), path, allowed)


@contextmanager
def _read_zip(path: Path, allowed: Bounds) -> Iterator[Contents]:
    with opened(path, allowed) as archive:
        yield _contents(archive, path, allowed)


def _contents(archive: Archive, path: Path, allowed: Bounds) -> Contents:
    tree = arrange(archive.names, str(path))
    classes = tuple(tree["train"])
    _warn_of_case(classes, path)
    names = {split: [name for images in tree[split].values() for name in images] for split in SPLITS}
    both = [name for split in SPLITS for name in names[split]]
    packed = sum(map(archive.size, both))
    allowed.check("total", packed, f"{path} has {packed:,} bytes of images unpacked")

    decode = Decoder(str(path), allowed)
    first = decode(both[0], archive.read(both[0]))
    decoded = len(both) * first.size
    allowed.check("total", decoded, f"{path} has {decoded:,} bytes of images decoded")
    train, test = (
        Decoded(first.shape, _images(archive, decode, names[split], (both[0], first)), _labels(tree[split]))
        for split in SPLITS
    )
    return Contents(classes, train, test)


def arrange(names: Iterable[str], where: str) -> Tree:
    """Sorts names into splits and classes. Raises SuiteError, naming `where`, when the layout is not met."""
    tree: dict[str, dict[str, list[str]]] = {split: {} for split in SPLITS}
    for name in sorted(set(names)):
        split, *below = name.split("/")
        hidden = any(part.startswith(".") or part == "__MACOSX" for part in below)
        if split in tree and len(below) >= 2 and not hidden:
            images = tree[split].setdefault(below[0], [])
            if len(below) == 2 and below[1]:
                images.append(name)
    for split, classes in tree.items():
        if not classes:
            raise SuiteError(f"{where} has no {split}/CLASS folders", LAYOUT)
        if empty := [label for label, images in classes.items() if not images]:
            raise SuiteError(f"{where} has no images in {split}/{min(empty)}", LAYOUT)
    if odd := set(tree["train"]) ^ set(tree["test"]):
        has, lacks = SPLITS if min(odd) in tree["train"] else reversed(SPLITS)
        raise SuiteError(f"{where} has class {min(odd)!r} in {has}/ but not in {lacks}/", LAYOUT)
    return {split: dict(sorted(classes.items())) for split, classes in tree.items()}


def _labels(classes: Mapping[str, list[str]]) -> list[int]:
    return [label for label, images in enumerate(classes.values()) for _ in images]


def _images(archive: Archive, decode: Decoder, names: list[str], first: tuple[str, Image8]) -> Iterator[Image8]:
    """Decodes image after image. Raises SuiteError at one that does not look like the first, given with its name."""
    for name in names:
        image = decode(name, archive.read(name))
        if image.shape != first[1].shape:
            raise _unlike(f"{name} in {archive.path}", image.shape, first[0], first[1].shape)
        yield image


def _unlike(name: str, shape: tuple[int, ...], first: str, expected: tuple[int, ...]) -> SuiteError:
    what = f"{name} is {describe(shape)} but {first} is {describe(expected)}; all images have one size and one kind"
    if shape[1:] == expected[1:]:
        return SuiteError(what, CONVERT)
    return SuiteError(what, "resize them, e.g. with Pillow: Image.open(f).resize((WIDTH, HEIGHT)).save(f)")


def _warn_of_case(classes: Iterable[str], path: Path) -> None:
    """Says that classes would be one class where a file system does not tell their names apart."""
    seen: dict[str, str] = {}
    for name in classes:
        other = seen.setdefault(name.casefold(), name)
        if other != name:
            log.warning("%s: classes %r and %r differ in case only; some file systems mix them up", path, other, name)
            return
