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


def record(image=GOOD, status="accepted", latency=0.5, error=None, **sending) -> Record:
    answer = Answer("k", 100 + latency, status, "bicycle", 0.9, error) if status else None
    fields = {"number": 0, "due": 100.0, "late": 0.001, "error": None, **sending}
    return make_record(image, Sending(**fields), "k", answer, interrupted=False)


def make(*records: Record, interrupted: bool = False) -> Report:
    return Report("stream-1", 1, "incoming", 20, 60, records, interrupted)


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
        (record(GOOD, status=None, error="x"), report.LOST),
    ],
)
def test_a_photo_ends_in_one_of_the_outcomes(given, outcome):
    assert given.outcome == outcome


def test_a_photo_that_could_not_be_sent_is_not_lost():
    sending = Sending(0, 100.0, 0.0, "refused")
    not_sent = make_record(GOOD, sending, "k", None, interrupted=False)
    assert (not_sent.outcome, not_sent.error) == (report.NOT_SENT, "refused")


def test_interrupted_nothing_is_lost_that_still_had_time():
    waiting = make_record(GOOD, Sending(0, 100.0, 0.0, None), "k", None, interrupted=True)
    assert waiting.outcome == report.WAITING
    assert make(waiting, interrupted=True).find_problem() is None


def test_latency_counts_from_the_scheduled_arrival_however_late_the_sending():
    assert record(latency=0.75, late=0.5).latency == pytest.approx(0.75)


def test_percentiles_are_over_the_answered_and_by_outcome():
    records = [record(latency=each / 100) for each in range(1, 101)]
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
        ([record(late=3.0)], "could not keep up: it sent photos up to 3.0 s late"),
    ],
)
def test_a_stream_that_is_not_as_it_should_be_says_so(records, said):
    assert said in make(*records).find_problem()


def test_a_stream_as_it_should_be_has_no_problem():
    assert make(record(), record(BAD, "failed", error="InvalidImage")).find_problem() is None
    assert make().find_problem() is None


def test_the_rate_is_that_of_the_sendings():
    records = [record(due=100 + each * 0.1, late=0.0) for each in range(11)]
    assert make(*records).achieved_rate == pytest.approx(10)
    assert make(records[0]).achieved_rate == 0


def test_the_table_counts_each_photo_once():
    counts = make(record(), record(status="review"), record(status=None)).to_json()["counts"]
    assert sum(counts.values()) == 3
    rows = terminal.render(make(record(), record(status=None)).to_table()).splitlines()
    assert next(row for row in rows if row.startswith("lost")).split()[1] == "1"
    assert next(row for row in rows if row.startswith("all")).split()[1] == "2"


def test_the_json_holds_the_plan_and_a_record_a_photo():
    content = json.loads(json.dumps(make(record(), record(status=None)).to_json()))
    assert content["rate"] == 20
    assert content["counts"]["lost"] == 1
    assert [each["outcome"] for each in content["images"]] == ["accepted", "lost"]
    assert content["images"][0]["label"] == "bicycle"
