import json

import pytest

from scripts.bulk_runs.entries import KEY_BYTES, LINE_BYTES, Entry, parse
from scripts.cli import UserError


def line(**fields) -> bytes:
    return json.dumps(fields).encode()


@pytest.mark.parametrize(
    ("given", "entry"),
    [
        (line(s3_key="a b+é.png"), Entry("", "a b+é.png", 1)),
        (line(s3_key="a.png", s3_bucket="own"), Entry("", "a.png", 1)),
        (line(s3_key="a.png", s3_bucket="other", listed=3), Entry("other", "a.png", 3)),
        (line(s3_key="a.png", image_data="", inferences=[]), Entry("", "a.png", 1)),
        (line(s3_key="é" * (KEY_BYTES // 2)), Entry("", "é" * (KEY_BYTES // 2), 1)),
    ],
)
def test_a_line_names_an_image(given, entry):
    assert parse(given, "own") == entry


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (b"photos/1.jpg", "not JSON"),
        (b'{"s3_key": "a.png"', "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'["a.png"]', "not an object"),
        (b"null", "not an object"),
        (line(s3_bucket="b"), "lacks s3_key"),
        (line(s3_key=""), "s3_key must be a string"),
        (line(s3_key=7), "s3_key must be a string"),
        (line(s3_key="a.png", s3_bucket=""), "s3_bucket must be a string"),
        (line(s3_key="a.png", s3_bucket=None), "s3_bucket must be a string"),
        (line(s3_key="a.png", key="b"), "unknown field 'key'"),
        (line(s3_key="a.png", threshold=0.5), "unknown field 'threshold'"),
        (b'{"s3_key": "\\ud800.png"}', "surrogate"),
        (line(s3_key="k" * (KEY_BYTES + 1)), "1025 bytes"),
        (line(s3_key="a.png", s3_bucket="b" * 64), "64 bytes"),
        (line(s3_key="a.png", listed=0), "listed must"),
        (line(s3_key="a.png", listed=1.0), "listed must"),
        (line(s3_key="a.png", listed=True), "listed must"),
        (line(s3_key="a.png", listed=10**10), "listed must"),
        (b" " * (LINE_BYTES + 1), "more than"),
    ],
)
def test_a_line_that_names_none_is_refused_with_what_is_wrong(given, said):
    with pytest.raises(UserError, match=said):
        parse(given, "own")


@pytest.mark.parametrize(
    "entry", [Entry("", "a.png"), Entry("other", "a.png", 4), Entry("", 'q"\n\u2028é.png', 2)]
)
def test_an_entry_survives_being_written(entry):
    written = entry.to_line()
    assert written.count(b"\n") == 1
    assert parse(written, "own") == entry
