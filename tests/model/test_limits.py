"""What the model's parts and the functions must agree on, though neither imports the other."""

from handlers import answers, photo
from model.serving import app, classifier, pixels
from model.training import data
from service import config


def test_class_names_may_be_as_long_for_all():
    assert data.LABEL_BYTES == classifier.LABEL_BYTES == answers.LABEL_BYTES


def test_images_may_be_as_large_for_the_endpoint_as_for_the_functions():
    image = config.load()["image"]
    assert image["max_bytes"] == app.MAX_BYTES
    assert image["max_pixels"] == pixels.MAX_PIXELS


def test_the_endpoint_takes_the_formats_that_the_functions_take():
    assert set(pixels.FORMATS.values()) == set(photo.FORMATS)
