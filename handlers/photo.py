"""The formats of photos, and photos as pixels of the model's size.

Photos are decoded here alone: the endpoint takes only what this module makes.
"""

import io
import math
import re
from collections.abc import Callable
from functools import partial

# Each plugin registers its format. Image.open would import every plugin to find WebP's.
from PIL import Image, ImageChops, JpegImagePlugin, PngImagePlugin, WebPImagePlugin  # noqa: F401

from handlers.colour import to_srgb
from handlers.errors import HandlerError, ImageTooLarge, InvalidImage
from handlers.image_files import JPEG_END, PNG_CHECKSUM_BYTES, strip_jpeg, strip_png, strip_webp

# Pillow's name of each format, and the suffixes of its files.
FORMATS = {"PNG": (".png",), "JPEG": (".jpeg", ".jpg"), "WEBP": (".webp",)}
SUFFIXES = tuple(sorted(suffix for suffixes in FORMATS.values() for suffix in suffixes))
FORMATS_IN_WORDS = "PNG, JPEG or WebP"
NO_PHOTO = f"no {FORMATS_IN_WORDS} image"
STRIP = {"PNG": strip_png, "JPEG": strip_jpeg, "WEBP": strip_webp}

# How a file of each format begins, in its first HEAD_BYTES, and of other formats that people send.
HEAD_BYTES = 1024
HEADS = {
    "PNG": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "JPEG": re.compile(rb"\xff\xd8\xff"),
    "WEBP": re.compile(rb"RIFF.{4}WEBP", re.DOTALL),
}
OTHER_HEADS = {
    "a GIF": re.compile(rb"GIF8"),
    "a TIFF": re.compile(rb"II[*+]\0|MM\0[*+]"),
    "a BMP": re.compile(rb"BM.{4}\0{4}", re.DOTALL),
    "an AVIF": re.compile(rb".{4}ftyp(.{4}){,9}?avi[fs]", re.DOTALL),
    "a HEIC": re.compile(rb".{4}ftyp(.{4}){,9}?(hei[cxms]|hev[cxms]|mif[12]|msf1)", re.DOTALL),
    "a JPEG XL": re.compile(rb"\xff\x0a|\0\0\0\x0cJXL "),
    "an SVG": re.compile(
        rb"(\xef\xbb\xbf)?\s*(<\?xml[^>]*>\s*)?(?><!--.*?-->\s*)*+<(!DOCTYPE )?svg",
        re.DOTALL | re.IGNORECASE,
    ),
    "a PDF": re.compile(rb"%PDF"),
}

# A JPEG that ends early is read if no more of its rows are missing than this share.
MISSING_ROWS = 1 / 8
# Bytes before the end of the file: rows that decode differently with them were missing. They hold
# the restart markers RST0 to RST7, after which pixels may start anew.
FILLER = b"".join(bytes(range(199, 0, -1)) + bytes([0xFF, 0xD0 + n]) for n in range(8))

# A photo with a colour profile is shrunk to so many pixels before its colours are converted: the
# means of up to 4 x 4 pixels are the same within rounding, and 50 megapixels would take a second
# longer. The mean of unlike colours is another one in each profile, so fewer pixels would not do.
CONVERTED_PIXELS = 4_000_000

ORIENTATION = 0x0112
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# Pillow's limit would come before `to_model_input`'s own, under another name.
Image.MAX_IMAGE_PIXELS = None


def is_named_as_photo(name: str) -> bool:
    """Whether a path or a key ends in one of SUFFIXES, in upper or lower case."""
    return name.lower().endswith(SUFFIXES)


def reason_to_refuse(head: bytes) -> str | None:
    """What a file is that begins with `head`, such as "a GIF: save it as PNG or JPEG".

    None if it is of one of FORMATS.
    """
    if _find_format(head):
        return None
    names = (name for name, start in OTHER_HEADS.items() if start.match(head))
    return next((f"{name}: save it as PNG or JPEG" for name in names), NO_PHOTO)


def to_model_input(data: bytes, size: int, max_pixels: int) -> bytes:
    """An upright RGB PNG of `size` x `size` pixels in sRGB, from the bytes of a photo.

    Raises ImageTooLarge above `max_pixels`, before anything is decoded, and InvalidImage for
    anything that is not an image of FORMATS with all of its pixels.
    """
    return _png(_read(data, size, max_pixels))


def to_model_pixels(data: bytes, size: int, max_pixels: int) -> bytes:
    """The pixels of `to_model_input`: `size` rows of `size` RGB values. Raises the same."""
    return _read(data, size, max_pixels).tobytes()


def _read(data: bytes, size: int, max_pixels: int) -> Image.Image:
    if not data:
        raise InvalidImage("the file is empty")
    name = _find_format(data)
    if name is None:
        raise InvalidImage(f"the file is {reason_to_refuse(data[:HEAD_BYTES])}")
    try:
        image, profile = _decode(data, name, size, max_pixels)
        return _model_input(image, profile, size)
    except HandlerError:
        raise
    except Image.UnidentifiedImageError:
        raise InvalidImage(f"the image is damaged: its {name} header is broken") from None
    except Exception as error:  # Broken data makes decoders raise nearly anything.
        reason = str(error) or f"its {name} data is broken"
        raise InvalidImage(f"the image is damaged: {reason}") from error


def _find_format(data: bytes) -> str | None:
    return next((name for name, start in HEADS.items() if start.match(data)), None)


def _decode(data: bytes, name: str, size: int, max_pixels: int) -> tuple[Image.Image, bytes | None]:
    """The image in a file of that format, and its ICC profile."""
    data, profile, may_lack_rows = STRIP[name](data)
    load = partial(_load, name=name, size=size, max_pixels=max_pixels)
    try:
        image = load(data)
    except OSError:
        if name != "PNG":
            raise
        # All pixels may be there, and only their checksum be wrong, which browsers pass over.
        image = load(data[:-PNG_CHECKSUM_BYTES])
    if may_lack_rows or (name == "JPEG" and _ends_in_one_colour(image)):
        _check_rows(data, image, load)
    return image, profile


def _load(data: bytes, name: str, size: int, max_pixels: int) -> Image.Image:
    image = Image.open(io.BytesIO(data), formats=[name])
    width, height = image.size
    if width * height > max_pixels:
        raise ImageTooLarge(f"{width} x {height} pixels are more than {max_pixels}")
    # Decode a JPEG at a fraction of its size: 4 x the target is enough to antialias.
    image.draft(None, (4 * size, 4 * size))
    image.load()
    return image


def _ends_in_one_colour(image: Image.Image) -> bool:
    """Whether the last row has one colour, as rows have that libjpeg fills in."""
    return image.crop((0, image.height - 1, *image.size)).getcolors(1) is not None


def _check_rows(data: bytes, image: Image.Image, load: Callable[[bytes], Image.Image]) -> None:
    """Raise InvalidImage if too many rows of the JPEG are missing.

    libjpeg does not report missing rows: those are missing that decode differently with other bytes
    before the end.
    """
    end = data.rindex(JPEG_END)
    other = load(data[:end] + FILLER + data[end:])
    if missing := ImageChops.difference(image, other).getbbox():
        share = missing[1] / image.height
        if 1 - share > MISSING_ROWS:
            raise InvalidImage(f"the photo ends early: {share:.0%} of its rows are there")


def _model_input(image: Image.Image, profile: bytes | None, size: int) -> Image.Image:
    colours = image if image.mode == "CMYK" else to_eight_bits(image)
    if profile:
        factor = math.ceil(math.sqrt(image.width * image.height / CONVERTED_PIXELS))
        colours = colours.reduce(factor) if factor > 1 else colours
        colours = to_srgb(colours, profile, is_grey=image.mode[0] in "1IL")
    # Squashed, not cropped: the middle of a wide photo may show none of the wheels.
    small = to_eight_bits(colours).resize((size, size), Image.Resampling.LANCZOS)
    flat = Image.new("RGB", small.size, "white")
    flat.paste(small, mask=small.getchannel("A") if small.mode == "RGBA" else None)
    # Turned after the resize, which takes a thousandth of the memory and shows the same.
    orientation = _orientation(image)
    return flat.transpose(UPRIGHT[orientation]) if orientation in UPRIGHT else flat


def _orientation(image: Image.Image) -> int | None:
    try:
        return image.getexif().get(ORIENTATION)
    except Exception:  # Broken EXIF does not matter to the pixels; viewers ignore it too.
        return None


def to_eight_bits(image: Image.Image) -> Image.Image:
    """The image as RGB, or as RGBA if any pixel may be transparent."""
    if image.mode.startswith("I"):  # 16-bit grey, which convert() would clip at 255
        levels = [(value + 128) // 257 for value in range(65536)]
        if isinstance(key := image.info.get("transparency"), int):
            levels[key] = 255
        return image.convert("I").point(levels, "L").convert("RGB")
    mode = "RGBA" if image.has_transparency_data else "RGB"
    return image if image.mode == mode else image.convert(mode)  # convert() always copies


def _png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
