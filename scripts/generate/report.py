"""How the photos of a stream ended, and how long each waited for its answer."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
from rich.table import Table

from handlers.outcomes import FAILED, STATUSES
from scripts.generate.answers import Answer
from scripts.generate.photos import GeneratedPhoto
from scripts.generate.sending import Sending
from service import terminal

LATE_SECONDS = 1.0  # later arrivals are not the plan's

REFUSED, UNEXPECTED, LOST, NOT_SENT = "failed as expected", "unexpected", "lost", "not sent"
WAITING = "no answer yet"  # of a stream that was interrupted, where LOST would be wrong
ENDED_WELL = tuple(status for status in STATUSES if status != FAILED)
OUTCOMES = (*ENDED_WELL, REFUSED, UNEXPECTED, WAITING, LOST, NOT_SENT)
PROBLEMS = {LOST: "lost", NOT_SENT: "not sent", UNEXPECTED: "not answered as they should be"}
PERCENTILES = {"p50": 50, "p95": 95, "p99": 99, "max": 100}


@dataclass(frozen=True)
class Record:
    """A photo and its end, as the JSON report holds it.

    due, late: seconds, as in Sending. latency: seconds from its arrival to its answer, None
    without one. label: its class; said: the model's.
    """

    key: str
    label: str | None
    bad: str | None
    due: float
    late: float
    outcome: str
    latency: float | None = None
    said: str | None = None
    confidence: float | None = None
    error: str | None = None


def make_record(
    photo: GeneratedPhoto, sending: Sending, key: str, answer: Answer | None, interrupted: bool
) -> Record:
    """Return the record of a photo."""
    record = Record(key, photo.label, photo.bad, sending.due, sending.late, NOT_SENT)
    if sending.error is not None:
        return replace(record, error=sending.error)
    if answer is None:
        return replace(record, outcome=WAITING if interrupted else LOST)
    if answer.error != photo.error:
        outcome = UNEXPECTED
    else:
        outcome = REFUSED if photo.error else answer.status
    return replace(
        record,
        outcome=outcome,
        latency=answer.stopped - sending.due,
        said=answer.label,
        confidence=answer.confidence,
        error=answer.error,
    )


@dataclass(frozen=True)
class Report:
    """A stream that ended, or was interrupted; rate and duration are its plan's."""

    name: str
    seed: int
    to: str
    rate: float
    duration: float
    records: Sequence[Record]
    interrupted: bool

    def count(self, outcome: str) -> int:
        """Return the number of photos with this outcome."""
        return sum(record.outcome == outcome for record in self.records)

    @property
    def latest(self) -> float:
        """The longest delay of a sending, in seconds: the generator's own."""
        return max((record.late for record in self.records), default=0.0)

    @property
    def achieved_rate(self) -> float:
        """Photos sent a second, from the first to the last; 0 for fewer than two."""
        starts = [record.due + record.late for record in self.records if record.outcome != NOT_SENT]
        span = max(starts, default=0) - min(starts, default=0)
        return (len(starts) - 1) / span if span else 0.0

    def find_problem(self) -> str | None:
        """Return the problem with the stream or its answers, or None."""
        counts = [(self.count(outcome), words) for outcome, words in PROBLEMS.items()]
        if problems := [f"{count:,} {words}" for count, words in counts if count]:
            errors = (each.error for each in self.records if each.outcome in PROBLEMS)
            first = next((f" (first: {error})" for error in errors if error), "")
            return f"Of {len(self.records):,} photos, {', '.join(problems)}{first}."
        if self.latest > LATE_SECONDS:
            return (
                f"This machine could not keep up: it sent photos up to {self.latest:.1f} s late, "
                "so this was not the stream of the plan. Choose a lower --rate."
            )
        return None

    def to_table(self) -> Table:
        """Return a table with a row for each outcome."""
        total = len(self.records)
        rows = [
            (
                outcome,
                f"{self.count(outcome):,}",
                f"{self.count(outcome) / max(total, 1):.1%}",
                *_cells(latencies(self.records, outcome)),
            )
            for outcome in OUTCOMES
            if outcome != WAITING or self.interrupted
        ]
        foot = ("all", f"{total:,}", "", *_cells(latencies(self.records)))
        header = ("arrival to answer", "photos", "share", *PERCENTILES)
        return terminal.table(header, rows, right=range(1, len(header)), foot=[foot])

    def to_json(self) -> dict:
        """Return the report for JSON: the plan, counts, seconds and a record for each photo."""
        plan = ("name", "seed", "to", "rate", "duration", "interrupted")
        return {
            **{name: getattr(self, name) for name in plan},
            "counts": {outcome: self.count(outcome) for outcome in OUTCOMES},
            "latency": latencies(self.records),
            "achieved_rate": self.achieved_rate,
            "latest": self.latest,
            "images": [asdict(record) for record in self.records],
        }


def latencies(records: Sequence[Record], outcome: str | None = None) -> dict[str, float] | None:
    """Return {name: seconds} of PERCENTILES over the answered photos, or those of an outcome.

    None where there are none.
    """
    seconds = [
        record.latency
        for record in records
        if record.latency is not None and outcome in (None, record.outcome)
    ]
    if not seconds:
        return None
    values = np.percentile(seconds, list(PERCENTILES.values()))
    return dict(zip(PERCENTILES, values.tolist(), strict=True))


def _cells(seconds: dict[str, float] | None) -> list[str]:
    return [f"{value:.2f} s" for value in seconds.values()] if seconds else [""] * len(PERCENTILES)
