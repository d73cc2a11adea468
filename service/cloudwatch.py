"""Which periods CloudWatch's statistics can be asked for."""

import math
from datetime import datetime, timedelta

MOST_PERIODS = 1439  # GetMetricStatistics gives 1,440 points: one is for a period cut at both ends
# How long CloudWatch keeps points of so many seconds; hours it keeps for 455 days.
KEPT = ((timedelta(days=15), 60), (timedelta(days=63), 300))
HOUR = 3600


def choose_period(since: datetime, until: datetime, now: datetime) -> int:
    """Return the shortest period, in seconds, that CloudWatch has kept and gives in one answer."""
    shortest = next((seconds for kept, seconds in KEPT if now - since < kept), HOUR)
    return shortest * max(math.ceil((until - since).total_seconds() / shortest / MOST_PERIODS), 1)
