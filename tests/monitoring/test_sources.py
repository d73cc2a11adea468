"""Which files belong to a span of time, and which folders are looked into."""

import argparse
from datetime import UTC, datetime, timedelta

import pytest

from monitoring.sources import Bucket, Folder
from monitoring.span import Span, moment
from tests.unit.service.memory_s3 import MemoryS3

HOURS = ("2026/10/31/23", "2026/11/01/00", "2026/11/03/09", "2026/11/03/10", "2026/11/04/00")
KEYS = [f"capture/{name}/v/{hour}/a.jsonl" for name in ("dev", "dev-2") for hour in HOURS]


class ListedS3(MemoryS3):
    """Notes which prefixes are listed."""

    def __init__(self):
        super().__init__()
        self.listed: list[str] = []

    def list_objects_v2(self, Bucket, Prefix, Delimiter=None):  # noqa: N803
        self.listed.append(Prefix)
        return super().list_objects_v2(Bucket, Prefix, Delimiter)


@pytest.fixture
def s3() -> ListedS3:
    s3 = ListedS3()
    for key in KEYS:
        s3.put_object("bucket", key, b"{}", "")
    return s3


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


SPANS = {
    "all": (Span(), HOURS),
    "a day": (Span(at(3), at(4)), HOURS[2:4]),
    "an hour": (Span(at(3, 10), at(3, 11)), HOURS[3:4]),
    "minutes of two hours": (Span(at(3, 9, 59), at(3, 10, 1)), HOURS[2:4]),
    "since": (Span(since=at(3, 10, 30)), HOURS[3:]),
    "until": (Span(until=at(1, 0, 1)), HOURS[:2]),
    "a month": (Span(at(1), datetime(2026, 12, 1, tzinfo=UTC)), HOURS[1:]),
    "none": (Span(at(5)), ()),
}


@pytest.mark.parametrize(("span", "hours"), SPANS.values(), ids=SPANS)
@pytest.mark.parametrize("prefix", ["capture/dev/", "capture/dev"])
def test_the_files_of_the_spans_hours_are_found_in_s3_and_in_folders(
    s3, tmp_path, span, hours, prefix
):
    found = Bucket("bucket", prefix, lambda: s3).files(span)
    assert [file.name for file in found] == [f"capture/dev/v/{hour}/a.jsonl" for hour in hours]
    for key in KEYS:
        path = tmp_path / key
        path.parent.mkdir(parents=True)
        path.write_bytes(b"{}")
    found = Folder(tmp_path / prefix).files(span)
    assert [file.name for file in found] == [
        f"{tmp_path}/capture/dev/v/{hour}/a.jsonl" for hour in hours
    ]
    assert {file.size for file in found} <= {2}


def test_only_the_spans_folders_are_listed_and_whole_ones_at_once(s3):
    Bucket("bucket", "capture/dev/", lambda: s3).files(Span(at(3, 10), at(5)))
    years = ["capture/dev/", "capture/dev/v/", "capture/dev/v/2026/", "capture/dev/v/2026/11/"]
    day = "capture/dev/v/2026/11/03/"
    assert s3.listed == [*years, day, f"{day}10/", "capture/dev/v/2026/11/04/"]


def test_a_prefix_within_the_dates_and_a_variant_called_as_a_year_are_understood(s3):
    source = Bucket("bucket", "capture/dev/v/2026/11/03/", lambda: s3)
    assert [file.name for file in source.files(Span(at(3, 10)))] == [KEYS[3]]
    s3.put_object("bucket", "capture/other/2024/2026/11/03/10/a.jsonl", b"{}", "")
    assert len(Bucket("bucket", "capture/other/", lambda: s3).files(Span(at(3)))) == 1


def test_files_that_lie_in_no_hour_belong_to_every_span(tmp_path):
    (tmp_path / "copied.jsonl").write_bytes(b"{}")
    (tmp_path / ".DS_Store").write_bytes(b"x")
    (tmp_path / "9999" / "99").mkdir(parents=True)
    (tmp_path / "9999" / "99" / "a.jsonl").write_bytes(b"{}")
    assert len(Folder(tmp_path).files(Span(at(3), at(4)))) == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-03", at(3)),
        ("2026-11-03T10:30", at(3, 10, 30)),
        ("2026-11-03T10:30:00Z", at(3, 10, 30)),
        ("2026-11-03T10:30+02:00", at(3, 8, 30)),
    ],
)
def test_a_time_is_utc_unless_it_says_otherwise(text, expected):
    assert moment(text) == expected


@pytest.mark.parametrize(("text", "hours"), [("24h", 24), ("7d", 168)])
def test_an_age_is_a_time_ago(text, hours):
    assert abs(datetime.now(UTC) - timedelta(hours=hours) - moment(text)) < timedelta(minutes=1)


@pytest.mark.parametrize("text", ["", "yesterday", "7", "7w", "-1d", "2026-13-01", "9" * 20 + "d"])
def test_what_is_no_time_is_refused_with_what_is(text):
    with pytest.raises(argparse.ArgumentTypeError, match="is no time: write 2026-11-03"):
        moment(text)
