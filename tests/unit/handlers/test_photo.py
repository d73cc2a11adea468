import io
import resource

import pytest
from PIL import Image

from handlers.errors import ImageTooLarge, InvalidImage
from handlers.photo import is_named_as_photo, to_model_input
from scripts.generate.bad_images import bomb, chunk, png
from tests.unit.handlers import photos

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL.TiffImagePlugin")

MAX_PIXELS = 50_000_000


def seen(data: bytes, size: int = 32) -> Image.Image:
    """What the model gets."""
    image = Image.open(io.BytesIO(to_model_input(data, size, MAX_PIXELS)))
    assert (image.format, image.mode, image.size) == ("PNG", "RGB", (size, size))
    return image


def near(colour: tuple[int, ...], wanted: tuple[int, ...], tolerance: int = 12) -> bool:
    return all(abs(a - b) <= tolerance for a, b in zip(colour, wanted, strict=True))


def shows_two_halves(image: Image.Image) -> bool:
    left, right = image.getpixel((4, 16)), image.getpixel((27, 16))
    return near(left, photos.LEFT) and near(right, photos.RIGHT)


FORMATS = ["PNG RGB", "PNG RGBA", "PNG P", "JPEG RGB", "JPEG CMYK", "WEBP RGB", "WEBP RGBA"]


@pytest.mark.parametrize("file", FORMATS)
def test_png_jpeg_and_webp_come_out_as_rgb(file):
    file_format, mode = file.split()
    data = photos.encoded(photos.two_halves(mode), file_format, quality=95)
    assert shows_two_halves(seen(data))


def test_photos_are_known_by_the_ending_of_their_names():
    assert is_named_as_photo("a.jpg")
    assert is_named_as_photo("s3://bucket/a b.JPEG")
    assert not any(map(is_named_as_photo, ("a.gif", "png", "a.jpg.txt")))


@pytest.mark.parametrize(("level", "eight_bit"), [(0, 0), (32768, 128), (25700, 100), (65535, 255)])
def test_16_bit_grey_is_scaled_and_not_clipped(level, eight_bit):
    assert seen(photos.grey16(level)).getpixel((5, 5)) == (eight_bit,) * 3


HALF_RED = photos.encoded(Image.new("RGBA", (40, 40), (255, 0, 0, 128)), "PNG")
PALETTE_KEY = photos.encoded(Image.new("P", (40, 40), 0), "PNG", transparency=0)
GREY_KEY = png(8, 8, 16, 0, (b"\0" + b"\x12\x34" * 8) * 8, chunk(b"tRNS", b"\x12\x34"))


def test_what_is_transparent_lies_on_white():
    white = (255, 255, 255)
    for data, colour in ((HALF_RED, (255, 127, 127)), (PALETTE_KEY, white), (GREY_KEY, white)):
        assert near(seen(data).getpixel((3, 3)), colour, 2)


def test_hidden_colours_of_transparent_pixels_do_not_bleed():
    image = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    image.paste((255, 255, 255, 255), (0, 0, 31, 64))
    pixels = seen(photos.encoded(image, "PNG")).get_flattened_data()
    assert min(map(min, pixels)) > 250


NO_EXIF = photos.encoded(photos.two_halves(), "JPEG", quality=95, exif=b"Exif\0\0MM\0*garbage")
TURNED = [*map(photos.rotated, (3, 6, 8)), photos.odd_exif()]


@pytest.mark.parametrize("data", [*TURNED, NO_EXIF], ids=["3", "6", "8", "odd tag", "broken"])
def test_exif_turns_a_photo_and_if_broken_or_odd_is_read_as_far_as_it_can_be(data):
    assert shows_two_halves(seen(data))


def test_an_image_of_the_right_size_keeps_every_pixel_and_one_pixel_is_enough():
    image = photos.noise(32)
    assert seen(photos.encoded(image, "PNG")).tobytes() == image.tobytes()
    data = photos.encoded(Image.new("RGB", (1, 1), photos.LEFT), "PNG")
    assert seen(data).getpixel((31, 31)) == photos.LEFT


def test_shrinking_antialiases():
    stripes = Image.new("L", (640, 640))
    stripes.putdata([255 * (x % 2) for _ in range(640) for x in range(640)])
    pixels = seen(photos.encoded(stripes, "PNG")).get_flattened_data()
    assert all(near(pixel, (127, 127, 127), 3) for pixel in pixels)


def test_the_result_is_small_and_carries_no_metadata():
    profile = bytes(100_000)
    data = photos.encoded(photos.noise(300), "JPEG", icc_profile=profile, comment=b"secret")
    assert len(to_model_input(data, 32, MAX_PIXELS)) < 5_000


FTYP = b"\0\0\0\x1cftyp"
OTHER_FORMATS = {
    "a GIF": photos.encoded(photos.two_halves(), "GIF"),
    "a TIFF": photos.encoded(photos.two_halves(), "TIFF"),
    "a BMP": photos.encoded(photos.two_halves(), "BMP"),
    "an AVIF": photos.encoded(photos.two_halves(), "AVIF"),
    "an AVIF ": FTYP + b"mif1\0\0\0\0mif1avif" + bytes(99),
    "a HEIC": FTYP + b"heic\0\0\0\0mif1heic" + bytes(99),
    "a HEIC ": FTYP + b"mif1\0\0\0\0mif1heic" + bytes(99),
    "a HEIC  ": FTYP + b"MiHE\0\0\0\0mif1MiHEheic" + bytes(99),
    "a JPEG XL": b"\xff\x0a" + bytes(99),
    "an SVG": b"\n<svg xmlns='http://www.w3.org/2000/svg'/>",
    "an SVG ": b"\xef\xbb\xbf<?xml version='1.0'?>\n<!DOCTYPE svg PUBLIC '-//W3C//DTD SVG'>",
    "an SVG  ": b"<?xml version='1.0'?>\n<!-- of a <svg> -->" + b" " * 99 + b"<svg>",
    "an SVG   ": b"<!-- a -->\n<!doctype svg>",
    "a PDF": b"%PDF-1.7" + bytes(99),
}


@pytest.mark.parametrize(("name", "data"), OTHER_FORMATS.items(), ids=OTHER_FORMATS)
def test_other_formats_are_refused_by_name_with_what_to_do(name, data):
    with pytest.raises(InvalidImage, match=f"the file is {name.strip()}: save it as PNG or JPEG"):
        to_model_input(data, 32, MAX_PIXELS)


TEXTS = (
    b"BMW R75, best offer",
    b"<?xml version='1.0'?><Error/>",
    b"<?xml version='1.0'?><html><svg/></html>",
)


@pytest.mark.parametrize("data", TEXTS)
def test_text_that_begins_like_a_picture_is_not_called_one(data):
    with pytest.raises(InvalidImage, match="the file is no PNG, JPEG or WebP image"):
        to_model_input(data, 32, MAX_PIXELS)


def test_a_png_without_its_palette_is_damaged_for_a_reason():
    data = photos.encoded(photos.two_halves().convert("P"), "PNG")
    with pytest.raises(InvalidImage, match="the image is damaged: its PNG data is broken"):
        to_model_input(data.replace(b"PLTE", b"PLTX"), 32, MAX_PIXELS)


@pytest.mark.parametrize("side", [7_100, 12_000, 30_000])
def test_too_many_pixels_are_refused_before_they_are_decoded(side):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ImageTooLarge, match=str(side)):
        to_model_input(bomb(side), 32, MAX_PIXELS)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # KiB
