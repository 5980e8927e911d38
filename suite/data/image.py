"""From the bytes of an image file to 8-bit channels: grey, grey with alpha, RGB, or RGBA."""

import io
import logging
import warnings

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from suite.data.bounds import Bounds
from suite.data.source import Image8, to_array
from suite.errors import SuiteError, one_line

log = logging.getLogger("suite")

FORMATS = ("JPEG", "PNG", "BMP", "PPM", "TIFF", "WEBP", "GIF")
"""Only what pictures are kept in: others of Pillow's readers start programs."""

SCANS = 100  # of a progressive JPEG, which usually has ten; each is a pass over the whole picture
TURNED = range(2, 9)  # EXIF orientations other than upright
KINDS = ("grey", "grey with alpha", "RGB", "RGBA")
MODES = ("L", "LA", "RGB", "RGBA")
CONVERT = "convert it, e.g. with Pillow: Image.open(f).convert('RGB').save(f)"


class Decoder:
    """Decodes the images of one data set, and says once of each kind of change that it makes one."""

    def __init__(self, where: str, bounds: Bounds) -> None:
        self._where, self._bounds = where, bounds
        self._said: set[str] = set()

    def __call__(self, name: str, content: bytes) -> Image8:
        """An image (C, H, W), C in 1..4. Raises SuiteError, with the image's name, where it is none or too large."""
        what = f"{name} in {self._where}"
        before = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None  # ours, which may be raised, stands in its place
        try:
            with warnings.catch_warnings(action="ignore", category=UserWarning):  # of metadata, which are not read
                return self._decode(what, content)
        except SuiteError:
            raise
        except Exception as error:  # damaged bytes end in errors of many types
            known = not isinstance(error, UnidentifiedImageError)  # whose message is an address in memory
            reason = f"{what} cannot be read as an image{f': {one_line(error)}' if known else ''}"
            raise SuiteError(reason, f"replace or remove it; formats: {', '.join(FORMATS)}") from error
        finally:
            Image.MAX_IMAGE_PIXELS = before

    def _decode(self, what: str, content: bytes) -> Image8:
        image: Image.Image = Image.open(io.BytesIO(content), formats=FORMATS)
        width, height = image.size
        self._bounds.check("pixels", width * height, f"{what} has {width} x {height} = {width * height:,} pixels")
        if getattr(image, "is_animated", False):
            raise SuiteError(f"{what} has several frames", "keep one frame of it, or remove it")
        if image.format == "JPEG" and content.count(b"\xff\xda") > SCANS:
            raise SuiteError(f"{what} is a JPEG of more than {SCANS} scans", "save it anew")
        sixteen = _is_sixteen_bits(image)
        image.load()
        if image.getexif().get(ExifTags.Base.Orientation) in TURNED:
            self._say("is turned as its EXIF orientation says", what)
            image = ImageOps.exif_transpose(image)
        if sixteen:
            self._say("has 16 bits a channel: only the upper 8 are kept", what)
        if image.mode.startswith("I;16"):
            return (np.asarray(image) >> 8).astype(np.uint8)[None]
        return to_array(self._in_known_mode(image, what))

    def _in_known_mode(self, image: Image.Image, what: str) -> Image.Image:
        if image.mode in ("P", "PA"):
            self._say("has a palette: its colours are taken", what)
            image = image.convert("RGBA" if image.mode == "PA" or "transparency" in image.info else "RGB")
        elif image.mode == "1":
            image = image.convert("L")
        elif "transparency" in image.info and image.mode in ("L", "RGB"):
            image = image.convert("LA" if image.mode == "L" else "RGBA")
        if image.mode not in MODES:
            raise SuiteError(f"{what} has the mode {image.mode}, not one of {', '.join(MODES)}", CONVERT)
        if image.mode in ("LA", "RGBA"):
            self._say("has an alpha channel, kept as the last channel; Pillow's convert('RGB') drops it", what)
        return image

    def _say(self, change: str, what: str) -> None:
        if change not in self._said:
            self._said.add(change)
            log.warning("%s %s (said once)", what, change)


def describe(shape: tuple[int, ...]) -> str:
    """Size and kind of an image of shape (C, H, W)."""
    channels, height, width = shape
    return f"{width}x{height} {KINDS[channels - 1]}"


def _is_sixteen_bits(image: Image.Image) -> bool:
    """Of colours Pillow keeps the upper 8 bits without a word; the file's own layout is in its tiles."""
    tiles = getattr(image, "tile", ())
    if image.format == "PPM":
        return any(tile.codec_name.startswith("ppm") and tile.args[-1] > 255 for tile in tiles)
    return image.format in ("PNG", "TIFF") and any(";16" in str(tile.args) for tile in tiles)
