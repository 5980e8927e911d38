"""What files of images become: channels, depth, orientation; closed forms, said once for a data set."""

import io

import numpy as np
import pytest
from PIL import Image

from suite.data.bounds import Bounds
from suite.data.image import Decoder
from suite.errors import SuiteError

PIXELS = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4) * 10  # (H, W, C)


def encoded(image: Image.Image, kind: str = "png", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, format=kind, **options)
    return out.getvalue()


def decode(content: bytes, **bounds: int) -> np.ndarray:
    return Decoder("here", Bounds(**bounds))("x.png", content)


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("LA", 2), ("RGB", 3), ("RGBA", 4)])
def test_one_to_four_channels_are_kept(mode: str, channels: int) -> None:
    pixels = PIXELS[..., :channels]
    image = Image.fromarray(pixels.squeeze(2) if channels == 1 else pixels)
    assert image.mode == mode
    np.testing.assert_array_equal(decode(encoded(image)), pixels.transpose(2, 0, 1))


@pytest.mark.parametrize("kind", ["png", "tiff", "bmp", "ppm", "webp"])
def test_every_lossless_format_gives_the_pixels(kind: str) -> None:
    options = {"lossless": True} if kind == "webp" else {}
    found = decode(encoded(Image.fromarray(PIXELS[..., :3]), kind, **options))
    np.testing.assert_array_equal(found, PIXELS[..., :3].transpose(2, 0, 1))


def test_the_upper_half_of_16_bits_is_kept_and_said(caplog: pytest.LogCaptureFixture) -> None:
    deep = np.array([[0, 255, 256, 65535]], dtype=np.uint16)
    assert decode(encoded(Image.fromarray(deep))).tolist() == [[[0, 0, 1, 255]]]
    assert caplog.messages == ["x.png in here has 16 bits a channel: only the upper 8 are kept (said once)"]


def test_16_bits_of_a_colour_are_said(caplog: pytest.LogCaptureFixture) -> None:
    """Pillow has no mode for such colours and keeps the upper half without a word."""
    assert decode(b"P6 1 1 65535\n" + bytes([1, 0, 2, 0, 255, 255])).flatten().tolist() == [1, 2, 255]
    assert "16 bits a channel" in caplog.text


def test_a_palette_becomes_its_colours_and_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    image = Image.fromarray(np.array([[0, 1]], dtype=np.uint8), mode="P")
    image.putpalette([9, 8, 7, 200, 100, 50])
    decoder = Decoder("here", Bounds())
    for _ in range(2):
        assert decoder("x.png", encoded(image)).tolist() == [[[9, 200]], [[8, 100]], [[7, 50]]]
    assert [message.partition(":")[0] for message in caplog.messages] == ["x.png in here has a palette"]


def test_alpha_is_said_also_where_a_colour_stands_for_it(caplog: pytest.LogCaptureFixture) -> None:
    image = Image.fromarray(np.array([[[1, 2, 3], [4, 5, 6]]], dtype=np.uint8))
    found = decode(encoded(image, transparency=(4, 5, 6)))
    assert found[3].tolist() == [[255, 0]]
    assert "has an alpha channel" in caplog.text


@pytest.mark.parametrize(
    ("orientation", "turned"),
    [(1, [[0, 1], [2, 3]]), (3, [[3, 2], [1, 0]]), (6, [[2, 0], [3, 1]]), (8, [[1, 3], [0, 2]])],
)
def test_images_are_turned_as_exif_says(orientation: int, turned: list[list[int]]) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(np.array([[0, 1], [2, 3]], dtype=np.uint8))
    assert decode(encoded(image, exif=exif)).tolist() == [turned]


def test_one_bit_is_black_or_white() -> None:
    assert decode(encoded(Image.fromarray(np.array([[False, True]])))).tolist() == [[[0, 255]]]


def test_pixels_are_bounded_and_the_bound_can_be_raised() -> None:
    content = encoded(Image.new("L", (100, 100)))
    with pytest.raises(SuiteError, match=r"x.png in here has 100 x 100 = 10,000 pixels.* 9,999 .*pixels=10000"):
        decode(content, pixels=9_999)
    assert decode(content, pixels=10_000).shape == (1, 100, 100)


def test_a_raised_bound_holds_in_place_of_pillows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert decode(encoded(Image.new("L", (100, 100)))).shape == (1, 100, 100)
    assert Image.MAX_IMAGE_PIXELS == 100
