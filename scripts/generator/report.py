"""What a stream tells at its end: how the images ended, and how long each waited for its answer."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from scripts import table
from scripts.generator.answers import Answer
from scripts.generator.sending import Sending
from scripts.generator.source import GeneratedImage

# Arrivals later than this are no longer those of the plan.
LATE_SECONDS = 1.0

ACCEPTED, REVIEW, REFUSED = "accepted", "review", "failed as expected"
UNEXPECTED, LOST, NOT_SENT = "unexpected", "lost", "not sent"
WAITING = "no answer yet"  # when the stream was interrupted; otherwise it is lost
OUTCOMES = (ACCEPTED, REVIEW, REFUSED, UNEXPECTED, WAITING, LOST, NOT_SENT)
PERCENTILES = {"p50": 50, "p95": 95, "p99": 99, "max": 100}


@dataclass(frozen=True)
class Record:
    """One image: what it was and what became of it.

    due, late: seconds, as in Sending. latency: seconds from its arrival to its answer, None
    without one. label is what it shows, said what the model took it for.
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

    @classmethod
    def of(
        cls,
        image: GeneratedImage,
        sending: Sending,
        key: str,
        answer: Answer | None,
        interrupted: bool,
    ) -> "Record":
        """Return the record of an image, of how it was sent and of its answer."""
        known = (key, image.label, image.bad, sending.due, sending.late)
        if sending.error is not None:
            return cls(*known, NOT_SENT, error=sending.error)
        if answer is None:
            return cls(*known, WAITING if interrupted else LOST)
        return cls(
            *known,
            outcome=_outcome(image, answer),
            latency=answer.stopped - sending.due,
            said=answer.label,
            confidence=answer.confidence,
            error=answer.error,
        )


def _outcome(image: GeneratedImage, answer: Answer) -> str:
    if answer.error != image.error:
        return UNEXPECTED
    return REFUSED if image.error else answer.status


@dataclass(frozen=True)
class Report:
    """A stream that ended, or was interrupted; rate and duration are those of its plan."""

    name: str
    seed: int
    to: str
    rate: float
    duration: float
    records: Sequence[Record]
    interrupted: bool

    def count(self, outcome: str) -> int:
        """Return how many images ended so."""
        return sum(record.outcome == outcome for record in self.records)

    @property
    def latest(self) -> float:
        """By how many seconds the generator itself was late at most."""
        return max((record.late for record in self.records), default=0.0)

    @property
    def achieved_rate(self) -> float:
        """Images sent a second, from the first to the last; 0 where there were not two."""
        starts = [record.due + record.late for record in self.records if record.outcome != NOT_SENT]
        span = max(starts, default=0) - min(starts, default=0)
        return (len(starts) - 1) / span if span else 0.0

    def problem(self) -> str | None:
        """Return what is wrong with the stream or its answers, or None."""
        wrong = [
            f"{count:,} {words}"
            for outcome, words in (
                (LOST, "lost"),
                (NOT_SENT, "not sent"),
                (UNEXPECTED, "not answered as they should be"),
            )
            if (count := self.count(outcome))
        ]
        if wrong:
            first = next((f" (first: {r.error})" for r in self._wrong() if r.error), "")
            return f"Of {len(self.records):,} images, {', '.join(wrong)}{first}."
        if self.latest > LATE_SECONDS:
            return (
                f"This machine could not keep up: it sent images up to {self.latest:.1f} s late, "
                "so this was not the stream of the plan. Choose a lower --rate."
            )
        return None

    def render(self) -> str:
        """Return a table, a row an outcome, and the rate."""
        share = len(self.records) or 1
        rows = [
            (
                outcome,
                f"{self.count(outcome):,}",
                f"{self.count(outcome) / share:.1%}",
                *_told(latencies(self.records, outcome)),
            )
            for outcome in OUTCOMES
            if outcome != WAITING or self.interrupted
        ]
        foot = ("all", f"{len(self.records):,}", "", *_told(latencies(self.records)))
        header = ("arrival to answer", "images", "share", *PERCENTILES)
        return (
            table.render(header, rows, right=range(1, len(header)), foot=[foot])
            + f"\n\n{self.achieved_rate:.1f} images a second were sent, "
            f"the latest {1000 * self.latest:.0f} ms after its time"
        )

    def as_json(self) -> dict:
        """Return the whole as JSON holds it: the plan, counts, seconds and a record an image."""
        plan = ("name", "seed", "to", "rate", "duration", "interrupted")
        return {
            **{name: getattr(self, name) for name in plan},
            "counts": {outcome: self.count(outcome) for outcome in OUTCOMES},
            "latency": latencies(self.records),
            "achieved_rate": self.achieved_rate,
            "latest": self.latest,
            "images": [asdict(record) for record in self.records],
        }

    def _wrong(self) -> list[Record]:
        return [r for r in self.records if r.outcome in (LOST, NOT_SENT, UNEXPECTED)]


def latencies(records: Sequence[Record], outcome: str | None = None) -> dict[str, float] | None:
    """Return {name: seconds} of PERCENTILES over the answered images, or those that ended so.

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


def _told(seconds: dict[str, float] | None) -> list[str]:
    return [f"{value:.2f} s" for value in seconds.values()] if seconds else [""] * len(PERCENTILES)
