"""`folder:PATH`: a directory or a zip of `train/CLASS/IMAGE` and `test/CLASS/IMAGE`.

Class folders in sorted order are the labels; images are sorted by name. All images have one size, and all are
grey or all RGB. Hidden files, `__MACOSX` and anything outside the layout are ignored. A zip is read in place,
never unpacked.
"""

import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PureWindowsPath
from zipfile import BadZipFile, ZipFile, is_zipfile

from PIL import Image

from suite.data.source import SPLITS, Contents, Decoded, Image8, Source, stamp, to_array
from suite.errors import SuiteError

LAYOUT = "expected train/CLASS/IMAGE and test/CLASS/IMAGE"

Tree = Mapping[str, Mapping[str, list[str]]]
"""Split -> class -> names of its images, everything sorted."""


def source(path: Path) -> Source:
    """The images under a directory or in a zip. Raises SuiteError when there is no such thing at `path`."""
    path = path.expanduser()
    if path.is_dir():
        try:
            names = list(_directory_names(path))
            files = tuple(stamp(path / name) for name in names if not name.endswith("/"))
        except OSError as error:
            raise SuiteError(f"cannot read {path}: {error}", LAYOUT) from error
        return Source("folder", (str(path.resolve()), *files), partial(_read, path, names))
    if not path.exists():
        raise SuiteError(f"there is no {path}", "folder:PATH takes a directory or a zip")
    if not is_zipfile(path):
        raise SuiteError(f"{path} is neither a directory nor a zip", LAYOUT)
    return Source("folder", (stamp(path.resolve()),), lambda: _read(path, _zip_names(path)))


def _directory_names(path: Path) -> Iterator[str]:
    """Names below a directory as a zip would list them: class folders end in `/`."""
    for folder in (folder for split in SPLITS for folder in (path / split).glob("*/")):
        name = folder.relative_to(path).as_posix()
        yield f"{name}/"
        yield from (f"{name}/{file.name}" for file in folder.iterdir() if file.is_file())


def _zip_names(path: Path) -> list[str]:
    """Names of a zip's members. Raises SuiteError when one of them points outside the zip."""
    try:
        with ZipFile(path) as archive:
            names = archive.namelist()
    except (BadZipFile, NotImplementedError, OSError, ValueError) as error:
        raise SuiteError(f"cannot read the zip {path}: {error}", "make the zip anew") from error
    for name in names:
        parts = PureWindowsPath(name)  # knows both kinds of slash and drive letters
        if parts.anchor or ".." in parts.parts:
            raise SuiteError(f"the zip {path} has a member {name!r} that points outside it", LAYOUT)
    return names


def _read(path: Path, names: Iterable[str]) -> Contents:
    tree = arrange(names, str(path))
    classes = tuple(tree["train"])
    first = tree["train"][classes[0]][0]
    with _opened(path) as read:
        image = _image(path, first, read)
    train, test = (_decode(path, tree[split], first, image.shape) for split in SPLITS)
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


def _decode(path: Path, classes: Mapping[str, list[str]], first: str, shape: tuple[int, ...]) -> Decoded:
    labels = [label for label, images in enumerate(classes.values()) for _ in images]
    names = [name for images in classes.values() for name in images]
    return Decoded(shape, _images(path, names, first, shape), labels)


def _images(path: Path, names: list[str], first: str, shape: tuple[int, ...]) -> Iterator[Image8]:
    """Decodes image after image. Raises SuiteError at one that does not look like the `first`."""
    with _opened(path) as read:
        for name in names:
            image = _image(path, name, read)
            if image.shape != shape:
                raise SuiteError(
                    f"{name} in {path} is {_describe(image.shape)} but {first} is {_describe(shape)}",
                    "all images must have the same size and mode",
                )
            yield image


def _image(path: Path, name: str, read: Callable[[str], bytes]) -> Image8:
    try:
        image = Image.open(io.BytesIO(read(name)))
        image.load()
    except Exception as error:  # damaged bytes end in errors of many types in zip and image decoders
        raise SuiteError(f"{name} in {path} cannot be read as an image", "replace or remove it") from error
    if image.mode not in ("L", "RGB"):
        raise SuiteError(f"{name} in {path} has the mode {image.mode}", "images must be 8-bit grey (L) or RGB")
    return to_array(image)


@contextmanager
def _opened(path: Path) -> Iterator[Callable[[str], bytes]]:
    """A function from a name to that file's bytes."""
    if path.is_dir():
        yield lambda name: (path / name).read_bytes()
    else:
        with ZipFile(path) as archive:
            yield archive.read


def _describe(shape: tuple[int, ...]) -> str:
    channels, height, width = shape
    return f"{width}x{height} {'grey' if channels == 1 else 'RGB'}"
