"""What a run of a design used, as amounts that have a price, and the memory of its functions."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psutil

from benchmarks.designs import FUNCTIONS, Run
from scripts.cost import bill
from scripts.cost.bill import RESULT_FILES, Function, Usage
from scripts.cost.run import count_transitions
from scripts.execution_graph.execution import fetch, read
from service.stack import Cloud, Stack

COURSE_TRANSITIONS = 5  # its three states, and what is counted for a start and an end
SECONDS_BETWEEN_LOOKS = 0.5


class Meter:
    """Invocations of the functions and their seconds, counted by CloudWatch between two looks."""

    def __init__(self, cloud: Cloud, stack: Stack):
        self._metrics, self._stack = cloud.client("cloudwatch"), stack
        functions = cloud.client("lambda")
        self._memory = {
            name: functions.get_function_configuration(FunctionName=f"{stack.endpoint}-{name}")[
                "MemorySize"
            ]
            for name in (*FUNCTIONS.values(), "countResults")
        }
        self._since = datetime.now(UTC) - timedelta(hours=1)
        self._seen = self._look()

    def take_used(self) -> dict[str, Function]:
        """Return what was used since the last look."""
        before, self._seen = self._seen, self._look()
        return {
            name: Function(
                requests=requests - before[name][0],
                seconds=(milliseconds - before[name][1]) / 1000,
                memory_mb=self._memory[name],
                architecture="arm64",  # the service's own, whatever runs it here
            )
            for name, (requests, milliseconds) in self._seen.items()
            if requests > before[name][0]
        }

    def _look(self) -> dict[str, tuple[float, float]]:
        return {
            name: (self._sum(name, "Invocations"), self._sum(name, "Duration"))
            for name in self._memory
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


def measure_usage(states, run: Run, functions: dict[str, Function]) -> Usage:
    """Return what the run used, its transitions counted in the histories of its executions."""
    batches = round(functions["serializeImageData"].requests)
    bulk = run.design == "classifyBulk"
    if run.design == "course":
        transitions = COURSE_TRANSITIONS * run.images
    else:
        transitions = batches if bulk else 0
        for execution in run.executions:
            history = read(fetch(states, execution["executionArn"]))
            transitions += count_transitions(history)
    return Usage(
        photos=run.images,
        transitions=transitions,
        express_requests=batches if bulk else 0,
        express_gb_seconds=_measure_express(batches, functions) if bulk else 0,
        functions=functions,
        s3_gets=run.images + (batches + 1 + RESULT_FILES if bulk else 0),
        s3_puts=batches + RESULT_FILES if bulk else 0,
        endpoint_gb=bill.endpoint_gb(run.images),
    )


def replace_times(usage: Usage, milliseconds: dict[str, float]) -> Usage:
    """Return the same usage, had the functions taken so many milliseconds an image."""
    functions = {
        name: replace(function, seconds=usage.photos * milliseconds[name] / 1000)
        if name in milliseconds
        else function
        for name, function in usage.functions.items()
    }
    children = usage.express_requests
    express = _measure_express(children, functions) if children else 0
    return replace(usage, functions=functions, express_gb_seconds=express)


def _measure_express(children: float, functions: dict[str, Function]) -> float:
    seconds = sum(each.seconds for name, each in functions.items() if name != "countResults")
    return bill.express_gb_seconds(children, seconds)


class PeakMemory:
    """A context in which the largest resident memory of any Lambda environment is noted."""

    def __init__(self):
        self.megabytes = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "PeakMemory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(SECONDS_BETWEEN_LOOKS):
            for process in psutil.process_iter(["cmdline", "memory_info"]):
                if any("awslambdaric" in word for word in process.info["cmdline"] or ()):
                    resident = process.info["memory_info"].rss / 1e6
                    self.megabytes = max(self.megabytes, resident)
