"""Which files belong to a span of time, and which folders are looked into."""

from datetime import UTC, datetime

import pytest

from monitoring.files import Span, list_files
from tests.unit.service.memory_s3 import MemoryS3

HOURS = ("2026/10/31/23", "2026/11/01/00", "2026/11/03/09", "2026/11/03/10", "2026/11/04/00")
KEYS = [f"capture/{name}/v/{hour}/a.jsonl" for name in ("dev", "dev-2") for hour in HOURS]


class ListedS3(MemoryS3):
    """Notes which prefixes are listed."""

    def __init__(self):
        super().__init__()
        self.listed: list[str] = []
        for key in KEYS:
            self.put_object("bucket", key, b"{}", "")

    def list_objects_v2(self, Bucket, Prefix, Delimiter=None, MaxKeys=1000):  # noqa: N803
        self.listed.append(Prefix)
        return super().list_objects_v2(Bucket, Prefix, Delimiter, MaxKeys)


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
    found = list_files(f"s3://bucket/{prefix}", span, ListedS3())
    assert [file.name for file in found] == [f"s3://bucket/{key}" for key in expected]
    for key in KEYS:
        path = tmp_path / key
        path.parent.mkdir(parents=True)
        path.write_bytes(b"{}")
    found = list_files(str(tmp_path / prefix), span, None)
    assert [file.name for file in found] == [f"{tmp_path}/{key}" for key in expected]
    assert {file.size for file in found} <= {2}


def test_only_the_spans_days_are_listed_and_each_at_once():
    s3 = ListedS3()
    list_files("s3://bucket/capture/dev/", Span(at(3, 10), at(5)), s3)
    years = ["capture/dev/", "capture/dev/v/", "capture/dev/v/2026/", "capture/dev/v/2026/11/"]
    assert s3.listed == [*years, "capture/dev/v/2026/11/03/", "capture/dev/v/2026/11/04/"]


def test_a_prefix_within_the_dates_and_a_variant_called_as_a_year_are_understood():
    s3 = ListedS3()
    found = list_files("s3://bucket/capture/dev/v/2026/11/03/", Span(at(3, 11)), s3)
    assert [file.name for file in found] == [f"s3://bucket/{KEYS[3]}"]
    s3.put_object("bucket", "capture/other/2024/2026/11/03/10/a.jsonl", b"{}", "")
    assert len(list_files("s3://bucket/capture/other/", Span(at(3)), s3)) == 1


def test_files_that_lie_in_no_hour_belong_to_every_span(tmp_path):
    (tmp_path / "copied.jsonl").write_bytes(b"{}")
    (tmp_path / ".DS_Store").write_bytes(b"x")
    assert len(list_files(str(tmp_path), Span(at(3), at(4)), None)) == 1
