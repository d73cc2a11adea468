import json

import pytest

from handlers.outcomes import ACCEPTED, REVIEW
from scripts.generate import report
from scripts.generate.answers import Answer
from scripts.generate.photos import GeneratedPhoto
from scripts.generate.report import Record, Report, make_record
from scripts.generate.sending import Sending
from service import terminal

GOOD = GeneratedPhoto("0.jpg", "bicycle", None, None, lambda: b"")
BAD = GeneratedPhoto("1.jpg", None, "gif", "InvalidImage", lambda: b"")


def record(
    image=GOOD, status="accepted", latency=0.5, error=None, interrupted=False, **sending
) -> Record:
    answer = Answer("k", 100 + latency, status, "bicycle", 0.9, error) if status else None
    sent = Sending(**{"number": 0, "due": 100.0, "late": 0.001, "error": None} | sending)
    return make_record(image, sent, "k", answer, interrupted)


NOT_SENT = make_record(GOOD, Sending(0, 100.0, 0.0, "refused"), "k", None, interrupted=False)


def make(*records: Record) -> Report:
    return Report("stream-1", 1, "incoming", 20, 60, records, interrupted=False)


@pytest.mark.parametrize(
    ("given", "outcome"),
    [
        (record(), ACCEPTED),
        (record(status="review"), REVIEW),
        (record(BAD, "failed", error="InvalidImage"), report.REFUSED),
        (record(BAD, "failed", error="EndpointNotFound"), report.UNEXPECTED),
        (record(BAD, "accepted"), report.UNEXPECTED),
        (record(GOOD, "failed", error="InvalidImage"), report.UNEXPECTED),
        (record(GOOD, status=None), report.LOST),
        (record(GOOD, status=None, interrupted=True), report.WAITING),
        (NOT_SENT, report.NOT_SENT),
    ],
)
def test_a_photo_ends_in_one_of_the_outcomes(given, outcome):
    assert given.outcome == outcome


def test_percentiles_are_over_the_answered_from_their_due_arrival_and_by_outcome():
    records = [record(latency=each / 100, late=0.5) for each in range(1, 101)]
    records += [record(status=None), record(status="review", latency=9)]
    of_accepted = report.latencies(records, ACCEPTED)
    assert of_accepted["p50"] == pytest.approx(0.505)
    assert of_accepted["max"] == pytest.approx(1.0)
    assert report.latencies(records)["max"] == pytest.approx(9)
    assert report.latencies(records, report.LOST) is None


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([record(), record(status=None)], "Of 2 photos, 1 lost"),
        ([record(status="failed", error="EndpointNotFound")], "EndpointNotFound"),
        ([NOT_SENT], "1 not sent (first: refused)"),
        ([record(late=3.0)], "could not keep up: it sent photos up to 3.0 s late"),
        ([record(), record(BAD, "failed", error="InvalidImage")], "None"),
        ([record(status=None, interrupted=True)], "None"),
        ([], "None"),
    ],
)
def test_a_stream_that_is_not_as_it_should_be_says_so_and_no_other(records, said):
    assert said in str(make(*records).find_problem())


def test_the_rate_is_that_of_the_sendings_and_the_table_counts_each_photo_once():
    records = [record(due=100 + each * 0.1, late=0.0) for each in range(11)]
    assert (make(*records).achieved_rate, make(records[0]).achieved_rate) == (pytest.approx(10), 0)
    content = json.loads(json.dumps(make(record(), record(status=None)).to_json()))
    assert (sum(content["counts"].values()), content["counts"]["lost"]) == (2, 1)
    assert [each["outcome"] for each in content["images"]] == ["accepted", "lost"]
    rows = terminal.render(make(record(), record(status=None)).to_table()).splitlines()
    assert next(row for row in rows if row.startswith("lost")).split()[1] == "1"
    assert next(row for row in rows if row.startswith("all")).split()[1] == "2"
