"""Which files belong to a span of time, and which to a name."""

from datetime import UTC, datetime

import pytest

from monitoring.files import Span, list_files
from service.terminal import UserError

HOURS = ("2026/10/31/23", "2026/11/01/00", "2026/11/03/09", "2026/11/03/10", "2026/11/04/00")
KEYS = [f"capture/{name}/v/{hour}/a.jsonl" for name in ("dev", "dev-2") for hour in HOURS]


@pytest.fixture(autouse=True)
def objects(s3):
    for key in [*KEYS, "capture/folder/"]:
        s3.put_object("bucket", key, b"{}", "")


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


# An hour more on either side: a file may hold records of the next hour.
SPANS = {
    "all": (Span(), HOURS),
    "a day": (Span(at(3), at(3, 23)), HOURS[2:]),
    "an hour": (Span(at(3, 11, 30), at(3, 12)), HOURS[3:4]),
    "the hour before": (Span(at(3, 10), at(3, 10, 1)), HOURS[2:4]),
    "since": (Span(since=at(3, 11, 30)), HOURS[3:]),
    "until": (Span(until=at(1, 0, 1)), HOURS[:2]),
    "a month": (Span(at(1, 2), datetime(2026, 12, 1, tzinfo=UTC)), HOURS[2:]),
    "none": (Span(at(5)), ()),
}


@pytest.mark.parametrize(("span", "hours"), SPANS.values(), ids=SPANS)
@pytest.mark.parametrize("prefix", ["capture/dev/", "capture/dev"])
def test_the_files_of_the_spans_hours_are_found_in_s3_and_in_folders(tmp_path, span, hours, prefix):
    expected = [f"capture/dev/v/{hour}/a.jsonl" for hour in hours]
    assert list_files(f"s3://bucket/{prefix}", span) == [f"s3://bucket/{e}" for e in expected]
    for key in KEYS:
        path = tmp_path / key
        path.parent.mkdir(parents=True)
        path.write_bytes(b"{}")
    assert list_files(str(tmp_path / prefix), span) == [f"{tmp_path}/{e}" for e in expected]


def test_files_that_lie_in_no_hour_belong_to_every_span_but_hidden_ones(tmp_path):
    for name in ("copied.jsonl", ".DS_Store"):
        (tmp_path / name).write_bytes(b"{}")
    assert list_files(str(tmp_path), Span(at(3), at(4))) == [str(tmp_path / "copied.jsonl")]


def test_a_file_or_an_object_alone_can_be_named(tmp_path, s3):
    for name in ("a.jsonl", "a.jsonl.copy"):
        (tmp_path / name).write_bytes(b"{}")
        s3.put_object("bucket", name, b"{}", "")
    for place in (str(tmp_path / "a.jsonl"), "s3://bucket/a.jsonl"):
        assert list_files(place) == [place]


def test_a_folder_that_does_not_exist_is_one_line(tmp_path):
    with pytest.raises(UserError, match="no file or folder"):
        list_files(str(tmp_path / "absent"))
