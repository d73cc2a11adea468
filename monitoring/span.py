"""A span of time, and what a person may write for its ends."""

import argparse
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

UNITS = {"h": "hours", "d": "days"}


@dataclass(frozen=True)
class Span:
    """From `since` until just before `until`; None is open."""

    since: datetime | None = None
    until: datetime | None = None

    def __contains__(self, moment: datetime) -> bool:
        return (self.since is None or self.since <= moment) and (
            self.until is None or moment < self.until
        )

    def touches(self, begin: datetime, end: datetime) -> bool:
        """Whether any moment from `begin` until just before `end` lies in the span."""
        return (self.since is None or self.since < end) and (
            self.until is None or begin < self.until
        )

    def covers(self, begin: datetime, end: datetime) -> bool:
        """Whether every moment from `begin` until just before `end` lies in the span."""
        return (self.since is None or self.since <= begin) and (
            self.until is None or end <= self.until
        )

    def __str__(self):
        if self.since is None and self.until is None:
            return "at any time"
        words = (("since", self.since), ("until", self.until))
        return " ".join(f"{word} {moment:%Y-%m-%d %H:%M} UTC" for word, moment in words if moment)


def moment(text: str) -> datetime:
    """Parse an ISO date or time, UTC unless it says otherwise, or an age: 24h, 7d (argparse type).

    A date stands for its midnight.
    """
    try:
        if age := re.fullmatch(r"(\d+)([hd])", text):
            return datetime.now(UTC) - timedelta(**{UNITS[age[2]]: int(age[1])})
        parsed = datetime.fromisoformat(text)
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time: write 2026-11-03, 2026-11-03T14:30, 24h or 7d"
        ) from None
