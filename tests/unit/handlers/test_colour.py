"""Photos in the colours of an ICC profile, as the model gets them: in sRGB."""

import io

import pytest
from PIL import Image, ImageCms

from handlers import photo
from handlers.image_files import MAX_PROFILE_BYTES
from scripts.generate.bad_images import SIGNATURE, chunk
from tests.unit.handlers import photos, profiles
from tests.unit.handlers.photos import encoded
from tests.unit.handlers.test_image_files import PHOTO, split
from tests.unit.handlers.test_photo import near, seen

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
RGB = {
    "Adobe RGB": profiles.rgb(profiles.ADOBE_RGB, 2.2),
    "ProPhoto": profiles.rgb(profiles.PROPHOTO, 1.8),
    "linear": profiles.rgb(profiles.SRGB, 1.0),
    "Display P3": profiles.rgb(profiles.DISPLAY_P3, 2.2),
}
LINEAR, GREY, CMYK = RGB["linear"], profiles.grey(1.0), profiles.cmyk((128, 128, 128))
FILES = {
    "PNG": {},
    "JPEG": {"quality": 98, "subsampling": 0},
    "WEBP": {"lossless": True, "exact": True},
}


def flat(colour, mode: str, profile: bytes, file_format: str = "PNG", **options) -> bytes:
    """A file all of one colour."""
    picture = Image.new(mode, (40, 40), colour)
    return encoded(picture, file_format, icc_profile=profile, **FILES[file_format], **options)


# Worked out by hand: 128 of sRGB is .2159 of all light, whose root of 1.8 is .4266, and so on.
COLOURS = {
    "linear, middle grey": (flat((55, 55, 55), "RGB", LINEAR), (128, 128, 128)),
    "ProPhoto, middle grey": (flat((109, 109, 109), "RGB", RGB["ProPhoto"]), (128, 128, 128)),
    "Adobe RGB, sRGB's red": (flat((219, 0, 0), "RGB", RGB["Adobe RGB"]), (255, 0, 0)),
    "Display P3, sRGB's red": (flat((234, 51, 35), "RGB", RGB["Display P3"]), (255, 0, 0)),
    "grey": (flat(55, "L", GREY), (128, 128, 128)),
    "dark grey": (flat(3, "L", GREY), (28, 28, 28)),
    "grey, JPEG": (flat(55, "L", GREY, "JPEG"), (128, 128, 128)),
    "grey, half transparent": (flat((55, 128), "LA", GREY), (191, 191, 191)),
    "grey, 16 bits": (flat(55 * 257, "I;16", GREY), (128, 128, 128)),
    "grey of an RGB profile": (flat(55, "L", LINEAR), (128, 128, 128)),
    "half transparent": (flat((55, 55, 55, 128), "RGBA", LINEAR), (191, 191, 191)),
    "palette": (
        encoded(Image.new("RGB", (40, 40), (55, 55, 55)).quantize(2), "PNG", icc_profile=LINEAR),
        (128, 128, 128),
    ),
    "paper": (flat((0, 0, 0, 0), "CMYK", CMYK, "JPEG"), (255, 255, 255)),
    "cyan": (flat((255, 0, 0, 0), "CMYK", CMYK, "JPEG"), (119, 119, 119)),
    "black": (flat((0, 0, 0, 255), "CMYK", CMYK, "JPEG"), (0, 0, 0)),
}


@pytest.mark.parametrize(("data", "colour"), COLOURS.values(), ids=COLOURS)
def test_colours_of_a_profile_become_those_of_srgb(data, colour):
    assert near(seen(data).getpixel((9, 9)), colour, 2)


@pytest.mark.parametrize("file_format", FILES)
@pytest.mark.parametrize("profile", RGB.values(), ids=RGB)
def test_a_photo_looks_the_same_in_any_profile(profile, file_format, monkeypatch):
    inverse = ImageCms.buildTransform(SRGB, io.BytesIO(profile), "RGB", "RGB")
    picture = photos.two_halves(size=(400, 300))
    options = FILES[file_format] | {"icc_profile": profile}
    converted = encoded(inverse.apply(picture), file_format, **options)
    monkeypatch.setattr(photo, "CONVERTED_PIXELS", 30_000)  # so that it is shrunk before
    assert encoded(picture, file_format, **FILES[file_format]) != converted
    both = (each.get_flattened_data() for each in (seen(converted), picture.resize((32, 32))))
    assert all(near(*pair) for pair in zip(*both, strict=True))


def test_a_profile_of_srgb_changes_nothing():
    profiled = encoded(PHOTO, "PNG", icc_profile=SRGB.tobytes())
    assert seen(profiled).tobytes() == seen(encoded(PHOTO, "PNG")).tobytes()


PASSED_OVER = {
    "damaged": ("RGB", LINEAR[:200]),
    "none at all": ("RGB", b"no profile" * 50),
    "too large": ("RGB", LINEAR + bytes(MAX_PROFILE_BYTES)),
    "of grey, for colours": ("RGB", GREY),
    "of CMYK, for RGB": ("RGB", CMYK),
    "of RGB, for CMYK": ("CMYK", LINEAR),
    "of another kind of colours": ("RGB", LINEAR.replace(b"RGB ", b"6CLR", 1)),
    "of colours without a name": ("RGB", LINEAR.replace(b"RGB ", b"\xff" * 4, 1)),
}


@pytest.mark.parametrize(("mode", "profile"), PASSED_OVER.values(), ids=PASSED_OVER)
def test_a_profile_that_is_damaged_or_does_not_fit_is_passed_over(mode, profile):
    picture = PHOTO.convert(mode)
    files = (
        encoded(picture, "JPEG", quality=95, **more) for more in ({}, {"icc_profile": profile})
    )
    without, profiled = (seen(file).tobytes() for file in files)
    assert profiled == without


def test_a_profile_larger_than_a_segment_of_a_jpeg_or_out_of_order_is_put_together():
    large = LINEAR + bytes(100_000)
    jpeg = flat((55, 55, 55), "RGB", large, "JPEG")
    assert seen(jpeg).getpixel((9, 9)) == (128, 128, 128)
    first, second = (jpeg.index(b"ICC_PROFILE\0" + bytes([n, 2])) for n in (1, 2))
    end = second - 2 + int.from_bytes(jpeg[second - 2 : second])
    swapped = jpeg[: first - 4] + jpeg[second - 4 : end] + jpeg[first - 4 : second - 4] + jpeg[end:]
    assert seen(swapped).getpixel((9, 9)) == (128, 128, 128)


def test_a_profile_that_inflates_to_megabytes_is_used():
    parts = split(flat((55, 55, 55), "RGB", LINEAR + bytes(1_300_000)))
    assert dict(parts)[b"iCCP"]
    whole = SIGNATURE + b"".join(chunk(*part) for part in parts)
    assert seen(whole).getpixel((9, 9)) == (128, 128, 128)
