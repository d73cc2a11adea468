"""The parsers of functions and endpoint on whatever comes: an answer or a named error alone."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.answers import parse_answer
from handlers.errors import HandlerError, InvalidModelResponse
from model.serving.bodies import read_array
from model.serving.errors import RequestError
from model.serving.pixels import read_png
from tests.model import served
from tests.unit.handlers import photos, profiles
from tests.unit.handlers.test_answers import answer
from tests.unit.handlers.test_photo import seen

SAMPLES = [
    photos.encoded(photos.two_halves(), "PNG"),
    photos.encoded(photos.two_halves("P"), "PNG"),
    photos.encoded(photos.two_halves(), "WEBP"),
    photos.rotated(6),
    photos.rotated(6)[:-2],
    photos.encoded(photos.two_halves(), "WEBP", icc_profile=profiles.rgb(profiles.SRGB, 1.0)),
    photos.encoded(photos.two_halves("CMYK"), "JPEG", icc_profile=profiles.cmyk((90, 99, 99))),
]


@pytest.mark.filterwarnings("ignore::UserWarning:PIL.TiffImagePlugin")
@given(st.sampled_from(SAMPLES), st.integers(0), st.binary(min_size=1, max_size=8))
def test_damage_anywhere_gives_a_named_error_or_an_image(sample, place, damage):
    place %= len(sample)
    with contextlib.suppress(HandlerError):
        seen(sample[:place] + damage + sample[place + len(damage) :])


IMAGES = served.images(2)
PNG = (read_png, served.encode(IMAGES[0], "PNG"))
ARRAY = (read_array, served.npy(IMAGES))


@pytest.mark.filterwarnings("ignore:invalid escape sequence")  # NumPy evaluates the header
@given(st.sampled_from([PNG, ARRAY]), st.integers(0, 250), st.binary(min_size=1, max_size=8))
def test_a_damaged_request_is_answered_or_refused_by_name(sample, place, damage):
    read, body = sample
    with contextlib.suppress(RequestError):
        read(body[:place] + damage + body[place + len(damage) :], served.SIDE)


WEIGHTS = st.lists(st.floats(0, 1), min_size=1, max_size=9)


@given(WEIGHTS, st.just(0) | st.floats(0, 10))
def test_every_softmax_is_taken_whole_or_without_the_part_of_none_of_the_classes(weights, none):
    total = sum(weights) + none or 1.0
    row = [weight / total for weight in weights]
    prediction = parse_answer(answer([f"class {n}" for n in range(len(row))], [row]))
    assert prediction.inferences == row
    assert prediction.confidence == max(row)
    assert prediction.label == f"class {row.index(max(row))}"


@given(WEIGHTS.filter(lambda row: sum(row) > 1.01))
def test_more_than_1_in_all_is_refused(row):
    with pytest.raises(InvalidModelResponse, match="at most 1"):
        parse_answer(answer([f"class {n}" for n in range(len(row))], [row]))


VALUES = st.sampled_from([None, True, 0, 1, 0.5, -1, 1e999, "a", "", [], [[]], [[1]], ["a"], {}])


@given(st.binary() | st.builds(answer, VALUES, VALUES))
def test_nothing_but_a_prediction_or_the_named_error_comes_out(body):
    with contextlib.suppress(InvalidModelResponse):
        assert 0 <= parse_answer(body).confidence <= 1
