"""The formats of photos, and photos as pixels of the model's size.

Photos are decoded here alone: the endpoint takes only what this module makes.
"""

import io

# Each registers its format. Image.open would import every plugin to find WebP's.
from PIL import Image, JpegImagePlugin, PngImagePlugin, WebPImagePlugin  # noqa: F401

from handlers.errors import HandlerError, ImageTooLarge, InvalidImage

# Pillow's name of each format, and the suffixes of its files.
FORMATS = {"PNG": (".png",), "JPEG": (".jpeg", ".jpg"), "WEBP": (".webp",)}
SUFFIXES = tuple(sorted(suffix for suffixes in FORMATS.values() for suffix in suffixes))
FORMATS_IN_WORDS = "PNG, JPEG or WebP"

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


def to_model_input(data: bytes, size: int, max_pixels: int) -> bytes:
    """An upright RGB PNG of `size` x `size` pixels, from the bytes of a photo.

    Raises ImageTooLarge above `max_pixels`, before anything is decoded, and InvalidImage for
    anything that is not a complete image of FORMATS.
    """
    return _png(_read(data, size, max_pixels))


def to_model_pixels(data: bytes, size: int, max_pixels: int) -> bytes:
    """The pixels of `to_model_input`: `size` rows of `size` RGB values. Raises the same."""
    return _read(data, size, max_pixels).tobytes()


def _read(data: bytes, size: int, max_pixels: int) -> Image.Image:
    if not data:
        raise InvalidImage("the file is empty")
    try:
        with Image.open(io.BytesIO(data), formats=tuple(FORMATS)) as image:
            width, height = image.size
            if width * height > max_pixels:
                raise ImageTooLarge(f"{width} x {height} pixels are more than {max_pixels}")
            return _model_input(image, size)
    except HandlerError:
        raise
    except Image.UnidentifiedImageError:
        raise InvalidImage(f"the file is not a {FORMATS_IN_WORDS} image") from None
    except Exception as error:  # Broken data makes decoders raise nearly anything.
        raise InvalidImage(f"the image is damaged: {error}") from error


def _model_input(image: Image.Image, size: int) -> Image.Image:
    # Decode a JPEG at a fraction of its size: 4 x the target is enough to antialias.
    image.draft(None, (4 * size, 4 * size))
    image.load()
    # Squashed, not cropped: the middle of a wide photo may show none of the wheels.
    small = to_eight_bits(image).resize((size, size), Image.Resampling.LANCZOS)
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
    return image if image.mode == mode else image.convert(mode)  # which would copy it


def _png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
