"""Hostile folders, zips and images, each written by a function of its own below a folder that it is given.

`corpus()` gives them by name; `python -m tests.data.hostile FOLDER` writes them all, to be tried from the command line.
"""

import io
import os
import stat
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile, ZipInfo

import numpy as np
from PIL import Image

Maker = Callable[[Path], Path]
"""Writes into a folder, and gives the path to load."""

NAMES = [f"{split}/cat/{number}.png" for split in ("train", "test") for number in range(2)]
MIB = 1 << 20


def corpus() -> dict[str, Maker]:
    """Every hostile thing by name."""
    zips = {f"zip {name}": make for name, make in ZIPS.items()}
    images = {f"image {name}": in_place_of_an_image(content) for name, content in IMAGES.items()}
    return {**zips, **images, **TREES}


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, format=kind, **options)
    return out.getvalue()


GOOD = encoded(Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)), "png")


def good_zip(path: Path, change: Callable[[ZipFile], None] = lambda _: None) -> Path:
    """A zip of good images, changed before its table of contents is written."""
    with ZipFile(path, "w") as archive:
        for name in NAMES:
            archive.writestr(name, GOOD)
        change(archive)
    return path


def with_member(name: str, content: bytes = GOOD, **changes: object) -> Maker:
    """A zip with one more member, whose entry in the table of contents is changed."""

    def change(archive: ZipFile) -> None:
        info = ZipInfo("x")
        info.filename, info.orig_filename = name, name
        archive.writestr(info, content, compress_type=zipfile.ZIP_DEFLATED)
        for attribute, value in changes.items():
            setattr(info, attribute, value)

    return lambda folder: good_zip(folder / "a.zip", change)


def packed_by(method: int) -> Maker:
    def change(archive: ZipFile) -> None:
        archive.writestr("train/cat/9.png", GOOD, compress_type=method)

    return lambda folder: good_zip(folder / "a.zip", change)


def large_in_total(folder: Path) -> Path:
    """No member is beyond its own bound."""

    def change(archive: ZipFile) -> None:
        for number in range(300):
            archive.writestr(f"train/cat/a{number}.png", GOOD)
        for info in archive.filelist:
            info.file_size = info.compress_size = 60 * MIB

    return good_zip(folder / "a.zip", change)


def two_of_a_name(folder: Path) -> Path:
    def change(archive: ZipFile) -> None:
        archive.writestr("train/cat/8.png", GOOD)
        archive.filelist[-1].filename = NAMES[0]

    return good_zip(folder / "a.zip", change)


def many_members(folder: Path) -> Path:
    """A table of contents that says the same 400,000 times."""
    content = good_zip(folder / "a.zip").read_bytes()
    start = content.index(b"PK\1\2")
    end = content.index(b"PK\1\2", start + 1)
    table = content[start:end] * 400_000
    total = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFE, 0xFFFE, len(table), start, 0)
    (folder / "a.zip").write_bytes(content[:start] + table + total)
    return folder / "a.zip"


def overlapping(folder: Path) -> Path:
    """Every entry leads to the same bytes."""

    def change(archive: ZipFile) -> None:
        for info in archive.filelist:
            info.header_offset = archive.filelist[0].header_offset

    return good_zip(folder / "a.zip", change)


def bytes_of(change: Callable[[bytes], bytes]) -> Maker:
    """A good zip whose bytes are changed."""

    def make(folder: Path) -> Path:
        path = good_zip(folder / "a.zip")
        path.write_bytes(change(path.read_bytes()))
        return path

    return make


ZIPS: dict[str, Maker] = {
    "member too large": with_member("train/cat/9.png", bytes(65 * MIB)),
    "member packed too well": with_member("train/cat/9.png", bytes(2 * MIB)),
    "member larger than it says": with_member("train/cat/9.png", bytes(32 * MIB), file_size=100),
    "member smaller than it says": with_member("train/cat/9.png", file_size=60 * MIB, compress_size=60 * MIB),
    "large in total": large_in_total,
    "many members": many_members,
    "lzma": packed_by(zipfile.ZIP_LZMA),
    "bzip2": packed_by(zipfile.ZIP_BZIP2),
    "unknown method": with_member("train/cat/9.png", compress_type=99),
    "encrypted": with_member("train/cat/9.png", flag_bits=1),
    "symbolic link": with_member("train/cat/9.png", b"/etc/passwd", external_attr=(stat.S_IFLNK | 0o777) << 16),
    "parent folder": with_member("train/../../9.png"),
    "absolute": with_member("/train/cat/9.png"),
    "drive": with_member("C:\\9.png"),
    "NUL in a name": with_member("train/cat/9.png\0.txt"),
    "escape in a name": with_member("train/\33[2J/9.png"),
    "newline in a name": with_member("train/a\nb/9.png"),
    "two of a name": two_of_a_name,
    "overlapping": overlapping,
    "cut short": bytes_of(lambda content: content[:-10]),
    "cut in the middle": bytes_of(lambda content: content[: len(content) // 2]),
    "table of contents elsewhere": bytes_of(lambda content: content[:-6] + b"\xff\xff\xff\x7f\0\0"),
    "table of contents of another size": bytes_of(lambda content: content[:-10] + b"\xff\xff\xff\x7f" + content[-6:]),
    "no entries": bytes_of(lambda content: content.replace(b"PK\1\2", b"PK\7\7")),
    "empty": bytes_of(lambda _: b"PK\5\6" + bytes(18)),
    "only a mark": bytes_of(lambda _: b"PK\3\4" + bytes(range(256)) * 40),
    "nothing": bytes_of(lambda _: b""),
}


def chunk(kind: bytes, content: bytes) -> bytes:
    checked = kind + content
    return struct.pack(">L", len(content)) + checked + struct.pack(">L", zlib.crc32(checked))


def png(width: int, height: int, *chunks: bytes, depth: int = 8, colour: int = 0) -> bytes:
    head = chunk(b"IHDR", struct.pack(">LLBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + chunk(b"IEND", b"")


def many_scans() -> bytes:
    """A progressive JPEG whose last pass over the picture is there 200 times."""
    content = encoded(Image.effect_noise((512, 512), 50), "jpeg", progressive=True)
    last = content.rindex(b"\xff\xda")
    return content[:last] + content[last:-2] * 200 + content[-2:]


def frames(kind: str) -> bytes:
    """Three pictures in one file."""
    first, *others = (Image.new("RGB", (8, 8), colour) for colour in ("red", "green", "blue"))
    return encoded(first, kind, save_all=True, append_images=others)


def bmp(width: int, height: int) -> bytes:
    head = struct.pack("<LHHL", 99, 0, 0, 54) + struct.pack("<LllHH6L", 40, width, height, 1, 24, *[0] * 6)
    return b"BM" + head


def text_bomb() -> bytes:
    return png(8, 8, chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(300 * MIB), 1)), DATA)


DATA = chunk(b"IDAT", zlib.compress(bytes(9 * 8)))
RED = Image.new("RGB", (8, 8), "red")
IMAGES: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "text": lambda: b"hello",
    "PNG of 10^10 pixels": lambda: png(100_000, 100_000, DATA),
    "PNG of 2^31 by 2^31": lambda: png(2**31 - 1, 2**31 - 1, DATA),
    "PNG of no pixels": lambda: png(0, 0, DATA),
    "PNG without data": lambda: png(8, 8),
    "PNG of 3 bits": lambda: png(8, 8, DATA, depth=3),
    "PNG with a false checksum": lambda: GOOD[:40] + bytes([GOOD[40] ^ 1]) + GOOD[41:],
    "PNG cut short": lambda: GOOD[:-30],
    "PNG with 300 MB of text": text_bomb,
    "PNG, animated": lambda: frames("png"),
    "GIF, animated": lambda: frames("gif"),
    "WebP, animated": lambda: frames("webp"),
    "TIFF of pages": lambda: frames("tiff"),
    "JPEG of pictures": lambda: frames("mpo"),
    "GIF of 65,535 squared": lambda: b"GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\x08\0;",
    "BMP of 2^31 rows": lambda: bmp(8, 2**31 - 1),
    "PPM of 10^16 pixels": lambda: b"P6 99999999 99999999 255\n",
    "PPM of a long number": lambda: b"P5 " + b"9" * 5000 + b" 8 255\n",
    "JPEG of four inks": lambda: encoded(Image.new("CMYK", (8, 8)), "jpeg"),
    "JPEG cut short": lambda: encoded(RED, "jpeg")[:300],
    "JPEG of hundreds of scans": many_scans,
    "TIFF of floats": lambda: encoded(Image.new("F", (8, 8)), "tiff"),
    "TIFF of 32 bits": lambda: encoded(Image.new("I", (8, 8)), "tiff"),
    "TIFF that leads to itself": lambda: b"II*\0\x08\0\0\0\0\0\x08\0\0\0",
    "EPS": lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n(/tmp/x) (w) file\n%%EOF\n",
    "ICO": lambda: encoded(RED, "ico", sizes=[(8, 8)]),
    "a zip": lambda: b"PK\3\4" + bytes(100),
    "zeros": lambda: bytes(1000),
}


def in_place_of_an_image(content: Callable[[], bytes]) -> Maker:
    def make(folder: Path) -> Path:
        with ZipFile(folder / "a.zip", "w") as archive:
            for name in NAMES:
                archive.writestr(name, GOOD if name != NAMES[1] else content())
        return folder / "a.zip"

    return make


def good_folder(path: Path) -> Path:
    for name in NAMES:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(GOOD)
    return path


def within(act: Callable[[Path], object]) -> Maker:
    """A good folder in which something is done to what is to be an image."""

    def make(folder: Path) -> Path:
        path = good_folder(folder / "a")
        act(path / "train" / "cat" / "9.png")
        return path

    return make


def _sparse(path: Path) -> None:
    path.touch()
    os.truncate(path, 1 << 40)


TREES: dict[str, Maker] = {
    "folder with a broken link": within(lambda path: path.symlink_to("nowhere")),
    "folder with a link to itself": within(lambda path: path.symlink_to(path)),
    "folder with a link to a device": within(lambda path: path.symlink_to("/dev/zero")),
    "folder with a pipe": within(lambda path: os.mkfifo(path)),
    "folder with a terabyte of nothing": within(_sparse),
    "folder with a name in no encoding": within(
        lambda path: Path(os.fsdecode(bytes(path) + b"\xff")).write_bytes(GOOD)
    ),
    "folder with an escape in a name": within(lambda path: path.with_name("\33[2J.png").write_bytes(GOOD)),
    "folder whose images are folders": lambda folder: within(lambda path: path.mkdir())(folder) / "train",
    "a pipe": lambda folder: os.mkfifo(folder / "pipe") or folder / "pipe",  # type: ignore[func-returns-value]
    "a device": lambda _: Path("/dev/zero"),
    "a long name": lambda folder: folder / ("x" * 5000),
    "a NUL": lambda folder: folder / "a\0b",
}


if __name__ == "__main__":
    for number, make in enumerate(corpus().values()):
        place = Path(sys.argv[1]) / f"{number:03}"
        place.mkdir(parents=True)
        make(place)
