"""The files of a directory or of a zip, by name, read one by one within bounds; a zip in place, never unpacked."""

import stat
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import BufferedReader, FileIO
from pathlib import Path, PureWindowsPath
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from suite.data.bounds import MIB, Bounds
from suite.errors import SuiteError, one_line

ENTRY = 256  # bytes that one member takes in a zip's table of contents, on average at most
SIGNATURE = b"PK\1\2"  # where a member begins there


@dataclass(frozen=True)
class Archive:
    """Files by name.

    Attributes:
        path: of the directory or zip.
        names: of all files; those of folders end in `/`.
        size: bytes of a file.
        read: a file's content; raises SuiteError where it cannot be read or is beyond the bounds.
    """

    path: Path
    names: Sequence[str]
    size: Callable[[str], int]
    read: Callable[[str], bytes]


@contextmanager
def opened(path: Path, bounds: Bounds) -> Iterator[Archive]:
    """A zip, open within the block. Raises SuiteError for what is damaged, too large, or has names that mislead."""
    with _zip(path, bounds) as archive:
        members = archive.infolist()
        bounds.check("members", len(members), f"{path} has {len(members):,} members")
        _check_members(members, path)
        infos = {info.filename: info for info in members}

        def read(name: str) -> bytes:
            return _read(archive, infos[name], path, bounds)

        yield Archive(path, [*infos], lambda name: infos[name].file_size, read)


def directory(path: Path, names: Sequence[str], bounds: Bounds) -> Archive:
    """Files below a directory."""

    def read(name: str) -> bytes:
        try:
            with (path / name).open("rb") as file:
                content = file.read(bounds.size + 1)
        except OSError as error:
            raise SuiteError(f"cannot read {path / name}: {error.strerror or error}") from error
        bounds.check("size", len(content), f"{name} in {path} has more than {bounds.size:,} bytes")
        return content

    return Archive(path, names, lambda name: (path / name).stat().st_size, read)


def check_names(names: Iterable[str], path: Path) -> None:
    """Raises SuiteError for names with characters that hide, move the cursor, or are not text at all."""
    for name in names:
        if not name.isprintable() and any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name):
            raise SuiteError(f"{path} has a name with control characters or not in UTF-8, {name!r}", "rename it")


class _Bounded(BufferedReader):
    """A zip's file that looks at the table of contents, which is read at once, before members are made of it."""

    def __init__(self, path: Path, bounds: Bounds) -> None:
        super().__init__(FileIO(path))
        self._path, self._bounds = path, bounds

    def read(self, size: int | None = -1, /) -> bytes:
        asked = size or 0
        if asked > self._bounds.members * ENTRY + MIB:
            self._check(asked // ENTRY)
        content = super().read(size)
        if asked > MIB:
            self._check(content.count(SIGNATURE))
        return content

    def _check(self, members: int) -> None:
        self._bounds.check("members", members, f"{self._path} has about {members:,} members")


@contextmanager
def _zip(path: Path, bounds: Bounds) -> Iterator[ZipFile]:
    with ExitStack() as stack:
        try:
            archive = stack.enter_context(ZipFile(stack.enter_context(_Bounded(path, bounds))))
        except SuiteError:
            raise
        except Exception as error:  # a damaged table of contents ends in errors of many types
            raise SuiteError(f"cannot read the zip {path}: {one_line(error)}", "make the zip anew") from error
        yield archive


def _check_members(infos: Sequence[ZipInfo], path: Path) -> None:
    seen: set[str] = set()
    for info in infos:
        name = info.orig_filename
        if _leads_outside(name):
            raise SuiteError(f"the zip {path} has a member {name!r} that points outside it", "make the zip anew")
        if name in seen:
            raise SuiteError(f"the zip {path} has two members {name!r}", "make the zip anew")
        seen.add(name)
    check_names(seen, path)


def _leads_outside(name: str) -> bool:
    if ".." not in name and "\\" not in name and ":" not in name and not name.startswith("/"):
        return False  # nearly always, and quickly
    parts = PureWindowsPath(name)  # knows both kinds of slash and drive letters
    return bool(parts.anchor) or ".." in parts.parts


def _read(archive: ZipFile, info: ZipInfo, path: Path, bounds: Bounds) -> bytes:
    what = f"{info.filename} in {path}"
    if info.flag_bits & 1:
        raise SuiteError(f"{what} is encrypted", "make the zip anew without a password")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise SuiteError(f"{what} is a symbolic link", "make the zip anew, with the file that it stands for")
    if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):  # the others are unpacked without any bound
        raise SuiteError(f"{what} is packed by method {info.compress_type}", "make the zip anew, stored or deflated")
    bounds.check("size", info.file_size, f"{what} has {info.file_size:,} bytes unpacked")
    if info.file_size > MIB:
        ratio = info.file_size // max(info.compress_size, 1)
        bounds.check("ratio", ratio, f"{what} has {ratio:,} bytes unpacked for each packed")
    try:
        with archive.open(info) as file:
            content = file.read(info.file_size + 1)  # with a number, so that no more is unpacked than is declared
    except Exception as error:  # damaged members end in errors of many types
        raise SuiteError(f"{what} cannot be read: {one_line(error)}", "make the zip anew") from error
    if len(content) != info.file_size:
        raise SuiteError(f"{what} has {len(content):,} bytes, not {info.file_size:,}", "make the zip anew")
    return content
