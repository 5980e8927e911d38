import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from suite.data import load
from suite.data.folder import arrange
from suite.errors import SuiteError

Files = dict[str, bytes]
Write = Callable[..., Path]


@pytest.fixture(params=["directory", "zip"])
def store(request: pytest.FixtureRequest, unpack: Write, pack: Write) -> Write:
    """Both ways to hold the same files."""
    return unpack if request.param == "directory" else pack


def test_images_are_in_the_order_of_classes_then_names(store: Write, pets: Files) -> None:
    data = load(f"folder:{store(pets)}")
    assert data.classes == ("cat", "dog")
    assert data.shape == (3, 4, 5)
    assert data.train.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert data.test.labels.tolist() == [0, 0, 1, 1]
    names = [f"{label}/{number}.png" for label in ("cat", "dog") for number in range(3)]
    for image, name in zip(data.train.images, names, strict=True):
        expected = np.asarray(Image.open(io.BytesIO(pets[f"train/{name}"])))
        np.testing.assert_array_equal(image.transpose(1, 2, 0), expected)


def test_grey_images_have_one_channel(store: Write, encode: Callable[..., bytes]) -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    data = load(f"folder:{store({f'{split}/a/0.png': encode(pixels) for split in ('train', 'test')})}")
    np.testing.assert_array_equal(data.test.images, pixels[None, None])


def test_a_directory_and_its_zip_have_one_digest(unpack: Write, pack: Write, pets: Files) -> None:
    assert load(f"folder:{unpack(pets)}").digest == load(f"folder:{pack(pets)}").digest


def test_the_digest_sees_a_single_pixel_and_a_single_label(
    pack: Write, pets: Files, encode: Callable[..., bytes]
) -> None:
    pixels = np.array(Image.open(io.BytesIO(pets["test/dog/1.png"])))
    pixels[0, 0, 0] ^= 1
    relabelled = {name.replace("test/dog/0", "test/cat/3"): content for name, content in pets.items()}
    variants = [pets, {**pets, "test/dog/1.png": encode(pixels)}, relabelled]
    digests = {load(f"folder:{pack(files, f'{i}.zip')}").digest for i, files in enumerate(variants)}
    assert len(digests) == 3


def test_hidden_files_and_strangers_are_ignored(store: Write, pets: Files) -> None:
    strangers = [
        "README.md",
        "train/notes.txt",
        "train/cat/.DS_Store",
        "test/.hidden/0.png",
        "__MACOSX/train/cat/._0.png",
    ]
    data = load(f"folder:{store({**pets, **dict.fromkeys(strangers, b'?')})}")
    assert (len(data.train), len(data.test), data.classes) == (6, 4, ("cat", "dog"))


def without(files: Files, prefix: str) -> Files:
    return {name: content for name, content in files.items() if not name.startswith(prefix)}


@pytest.mark.parametrize(
    ("gone", "message"),
    [
        ("train/", "has no train/CLASS folders"),
        ("test/", "has no test/CLASS folders"),
        ("test/dog", "has class 'dog' in train/ but not in test/"),
        ("train/cat", "has class 'cat' in test/ but not in train/"),
    ],
)
def test_an_incomplete_layout_is_named(
    store: Write, pets: Files, cached: Callable[[], list[str]], gone: str, message: str
) -> None:
    with pytest.raises(SuiteError, match=f"{message} .expected train/CLASS/IMAGE"):
        load(f"folder:{store(without(pets, gone))}")
    assert cached() == []


def test_an_empty_class_is_named(store: Write, pets: Files, tmp_path: Path) -> None:
    path = store(pets)
    if path.is_dir():
        (path / "test" / "emu").mkdir()
    else:
        with zipfile.ZipFile(path, "a") as archive:
            archive.mkdir("test/emu")
    with pytest.raises(SuiteError, match="has no images in test/emu"):
        load(f"folder:{path}")


def test_classes_sort_by_name_even_where_paths_sort_otherwise() -> None:
    names = [f"{split}/{label}/0.png" for split in ("train", "test") for label in ("a-b", "a", "B")]
    assert list(arrange(names, "here")["train"]) == ["B", "a", "a-b"]


@pytest.mark.parametrize("damage", ["not an image", "cut short", "empty"])
def test_a_corrupt_image_is_named(store: Write, pets: Files, cached: Callable[[], list[str]], damage: str) -> None:
    whole = pets["test/dog/1.png"]
    content = {"not an image": b"hello", "cut short": whole[:-30], "empty": b""}[damage]
    with pytest.raises(SuiteError, match=r"test/dog/1.png in .* cannot be read as an image"):
        load(f"folder:{store({**pets, 'test/dog/1.png': content})}")
    assert cached() == []


def test_flipped_bytes_in_a_zip_are_noticed(pack: Write, pets: Files) -> None:
    path = pack(pets)
    content = bytearray(path.read_bytes())
    place = content.index(pets["train/dog/2.png"]) + len(pets["train/dog/2.png"]) - 1
    content[place] ^= 0xFF  # Pillow never looks at the last byte, the zip's checksum does
    path.write_bytes(content)
    with pytest.raises(SuiteError, match=r"train/dog/2.png in .* cannot be read: .*CRC"):
        load(f"folder:{path}")


@pytest.mark.parametrize(
    ("shape", "mode", "message"),
    [
        ((4, 6, 3), "RGB", "train/dog/1.png in .* is 6x4 RGB but train/cat/0.png is 5x4 RGB"),
        ((4, 5, 3), "L", "train/dog/1.png in .* is 5x4 grey but train/cat/0.png is 5x4 RGB"),
        ((4, 5, 3), "RGBA", "train/dog/1.png in .* is 5x4 RGBA but train/cat/0.png is 5x4 RGB"),
        ((4, 5, 3), "LA", "train/dog/1.png in .* is 5x4 grey with alpha but train/cat/0.png is 5x4 RGB"),
    ],
)
def test_an_image_unlike_the_others_is_named(
    store: Write, pets: Files, encode: Callable[..., bytes], shape: tuple[int, ...], mode: str, message: str
) -> None:
    odd = encode(np.zeros(shape, dtype=np.uint8), mode)
    with pytest.raises(SuiteError, match=message):
        load(f"folder:{store({**pets, 'train/dog/1.png': odd})}")


@pytest.mark.parametrize(
    "member",
    ["../evil.png", "train/../../evil.png", "/etc/evil.png", "C:\\evil.png", "train\\..\\..\\evil.png"],
)
def test_a_zip_member_that_points_outside_is_refused(
    pack: Write, pets: Files, cached: Callable[[], list[str]], tmp_path: Path, member: str
) -> None:
    path = pack({**pets, member: pets["test/cat/0.png"]})
    with pytest.raises(SuiteError) as caught:
        load(f"folder:{path}")
    assert f"{member!r} that points outside" in str(caught.value)
    assert cached() == []
    assert not list(tmp_path.parent.rglob("evil.png"))


def test_what_is_no_zip_and_what_is_not_there(tmp_path: Path, pack: Write, pets: Files) -> None:
    text = tmp_path / "text.zip"
    text.write_text("hello")
    with pytest.raises(SuiteError, match=r"text.zip is neither a directory nor a zip"):
        load(f"folder:{text}")
    with pytest.raises(SuiteError, match=r"there is no .*nowhere"):
        load(f"folder:{tmp_path}/nowhere")
    cut = pack(pets)
    cut.write_bytes(cut.read_bytes()[:-200])
    with pytest.raises(SuiteError, match=r"pets.zip"):
        load(f"folder:{cut}")


def test_a_damaged_table_of_contents_is_one_error(pack: Write, pets: Files) -> None:
    path = pack(pets)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"PK\x01\x02", b"PK\x07\x07"))
    with pytest.raises(SuiteError, match=r"cannot read the zip .*pets.zip"):
        load(f"folder:{path}")
