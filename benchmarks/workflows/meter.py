"""What the functions did, by CloudWatch's metrics."""

from datetime import UTC, datetime, timedelta

from benchmarks.workflows.designs import FUNCTIONS
from scripts.cost.bill import Function
from service.stack import Cloud, Stack


class Meter:
    """Invocations of the functions and their seconds, counted between two looks."""

    def __init__(self, cloud: Cloud, stack: Stack):
        self._metrics, self._stack = cloud.client("cloudwatch"), stack
        functions = cloud.client("lambda")
        self._configurations = {
            name: functions.get_function_configuration(FunctionName=f"{stack.endpoint}-{name}")
            for name in (*FUNCTIONS.values(), "countResults")
        }
        self._since = datetime.now(UTC) - timedelta(hours=1)
        self._seen = self._look()

    def used(self) -> dict[str, Function]:
        """What was used since the last look."""
        before, self._seen = self._seen, self._look()
        return {
            name: Function(
                requests=self._seen[name][0] - before[name][0],
                seconds=(self._seen[name][1] - before[name][1]) / 1000,
                memory_mb=configuration["MemorySize"],
                architecture="arm64",  # the service's own, whatever runs it here
            )
            for name, configuration in self._configurations.items()
            if self._seen[name][0] > before[name][0]
        }

    def _look(self) -> dict[str, tuple[float, float]]:
        return {
            name: (self._sum(name, "Invocations"), self._sum(name, "Duration"))
            for name in self._configurations
        }

    def _sum(self, name: str, metric: str) -> float:
        points = self._metrics.get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName=metric,
            Dimensions=[{"Name": "FunctionName", "Value": f"{self._stack.endpoint}-{name}"}],
            StartTime=self._since,
            EndTime=datetime.now(UTC) + timedelta(minutes=1),
            Period=60,
            Statistics=["Sum"],
        )["Datapoints"]
        return sum(point["Sum"] for point in points)
