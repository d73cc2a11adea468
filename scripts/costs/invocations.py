"""How long functions took, from CloudWatch's metrics of Lambda."""

from datetime import UTC, datetime, timedelta

from scripts import cli
from scripts.cloud import Cloud
from scripts.costs.amounts import Function

MOST_POINTS = 1440  # GetMetricStatistics gives no more


class Invocations:
    """Invocations of functions between two moments, which are widened to whole periods.

    Metrics tell no runs apart: a mean is that of all runs in the same minutes.
    """

    def __init__(self, cloud: Cloud, since: datetime, until: datetime):
        self._metrics = cloud.client("cloudwatch")
        self._functions = cloud.client("lambda")
        self._period = period(since, until, datetime.now(UTC))
        seconds = self._period.total_seconds()
        first = since.timestamp() // seconds * seconds
        self._since = datetime.fromtimestamp(first, UTC)
        last = -(-until.timestamp() // seconds) * seconds
        self._until = datetime.fromtimestamp(max(last, first + seconds), UTC)

    def of(self, name: str, calls: int, completed: bool) -> Function:
        """Return the function's part in a run that called it so many times, by its mean duration.

        In a run that was not `completed` some calls may not have been made: not more than there
        were count.
        """
        configuration = self._functions.get_function_configuration(FunctionName=name)
        found = self._sum(name, "Invocations")
        mean = self._sum(name, "Duration") / 1000 / found if found else 0
        if completed and found < calls:
            cli.warn(
                f"Lambda has told of {found:.0f} of {calls} calls of {name}: its metrics take some "
                "minutes. Ask again."
            )
        requests = calls if completed else min(calls, int(found))
        return Function(
            requests=requests,
            seconds=requests * mean,
            memory_mb=configuration["MemorySize"],
            architecture=configuration["Architectures"][0],
        )

    def _sum(self, name: str, metric: str) -> float:
        points = self._metrics.get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName=metric,
            Dimensions=[{"Name": "FunctionName", "Value": name}],
            StartTime=self._since,
            EndTime=self._until,
            Period=int(self._period.total_seconds()),
            Statistics=["Sum"],
        )["Datapoints"]
        return sum(point["Sum"] for point in points)


def period(since: datetime, until: datetime, now: datetime) -> timedelta:
    """Return the shortest period that CloudWatch still keeps of then and can answer in one page.

    It keeps minutes for 15 days, five minutes for 63, and hours for 455.
    """
    age = now - since
    kept = 60 if age < timedelta(days=15) else 300 if age < timedelta(days=63) else 3600
    steps = -(-(until - since).total_seconds() // (kept * (MOST_POINTS - 1)))
    return timedelta(seconds=kept * max(int(steps), 1))
