"""Metrics are recorded as AWS records them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from tests.local.conftest import single, task

ECHO = "def handler(event, context): return event"


class Metrics:
    """CloudWatch as the tests look at it."""

    def __init__(self, session):
        self.client = session.client("cloudwatch")

    def points(self, metric: str, *statistics: str, hours: float = 1) -> dict | None:
        """The statistics (`p95` and its like too) of `Namespace:Name|Dimension=Value|…`."""
        name, *pairs = metric.split("|")
        namespace, name = name.split(":")
        dimensions = [
            dict(zip(("Name", "Value"), pair.split("=", 1), strict=True)) for pair in pairs
        ]
        extended = [s for s in statistics if s.startswith("p")]
        plain = [s for s in statistics if not s.startswith("p")]
        now = datetime.now().astimezone()
        found = self.client.get_metric_statistics(
            Namespace=namespace,
            MetricName=name,
            Dimensions=dimensions,
            StartTime=now - timedelta(hours=hours),
            EndTime=now + timedelta(hours=1),
            Period=24 * 3600,
            **({"Statistics": plain} if plain else {}),
            **({"ExtendedStatistics": extended} if extended else {}),
        )["Datapoints"]
        if not found:
            return None
        # A test at midnight sees two days.
        return {
            s: sum(p.get(s, p.get("ExtendedStatistics", {}).get(s)) for p in found)
            for s in statistics
        }


@pytest.fixture(scope="module")
def metrics(session):
    return Metrics(session)


def name_of(function: str) -> str:
    return function.rsplit(":", 1)[1]


# --- Lambda


def test_each_invocation_is_recorded_once_whoever_invokes(workshop, metrics):
    function = workshop.function(ECHO)
    workshop.invoke(function)
    workshop.run(single(task(function)))
    dimension = f"FunctionName={name_of(function)}"
    assert metrics.points(f"AWS/Lambda:Invocations|{dimension}", "Sum", "SampleCount") == {
        "Sum": 2,
        "SampleCount": 2,
    }
    assert metrics.points(f"AWS/Lambda:Errors|{dimension}", "Sum") == {"Sum": 0}
    assert metrics.points(f"AWS/Lambda:Throttles|{dimension}", "Sum") == {"Sum": 0}


def test_invocations_at_once_are_all_recorded(workshop, metrics):
    function = workshop.function(ECHO)
    dimension = f"FunctionName={name_of(function)}"
    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(workshop.invoke, function) for _ in range(60)]
        while not all(call.done() for call in calls):
            metrics.points(f"AWS/Lambda:Invocations|{dimension}", "Sum")
    assert metrics.points(f"AWS/Lambda:Invocations|{dimension}", "Sum") == {"Sum": 60}


def test_a_failed_invocation_is_an_error(workshop, metrics):
    function = workshop.function("def handler(event, context): raise ValueError")
    workshop.invoke(function)
    dimension = f"FunctionName={name_of(function)}"
    assert metrics.points(f"AWS/Lambda:Invocations|{dimension}", "Sum") == {"Sum": 1}
    assert metrics.points(f"AWS/Lambda:Errors|{dimension}", "Sum") == {"Sum": 1}


def test_a_throttled_call_is_no_invocation(workshop, metrics):
    function = workshop.function(ECHO)
    workshop.functions.put_function_concurrency(
        FunctionName=function, ReservedConcurrentExecutions=0
    )
    with pytest.raises(workshop.functions.exceptions.TooManyRequestsException):
        workshop.invoke(function)
    dimension = f"FunctionName={name_of(function)}"
    assert metrics.points(f"AWS/Lambda:Throttles|{dimension}", "Sum") == {"Sum": 1}
    assert metrics.points(f"AWS/Lambda:Invocations|{dimension}", "Sum") is None


def test_a_duration_is_that_of_the_handler(workshop, metrics):
    """Neither that of its module, which is loaded as the environment starts, nor the waiting."""
    function = workshop.function("""
        import time
        time.sleep(0.5)
        def handler(event, context): time.sleep(event)
    """)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: workshop.invoke(function, 0.1), range(2)))
    found = metrics.points(
        f"AWS/Lambda:Duration|FunctionName={name_of(function)}", "Minimum", "Maximum"
    )
    assert 100 <= found["Minimum"] <= found["Maximum"] < 450


# --- Step Functions


def test_executions_are_recorded_by_how_they_end(workshop, metrics):
    succeeded = workshop.machine(single({"Type": "Succeed"}))
    failed = workshop.machine(single({"Type": "Fail", "Error": "Bad"}))
    waiting = {"Type": "Wait", "Seconds": 30, "End": True}
    stopped = workshop.machine(single(waiting))
    late = workshop.machine(single(waiting, TimeoutSeconds=1))
    machines = {
        "ExecutionsSucceeded": succeeded,
        "ExecutionsFailed": failed,
        "ExecutionsAborted": stopped,
        "ExecutionsTimedOut": late,
    }
    started = {
        machine: workshop.states.start_execution(stateMachineArn=machine)
        for machine in machines.values()
    }
    workshop.states.stop_execution(executionArn=started[stopped]["executionArn"])
    for metric, machine in machines.items():
        workshop.wait(started[machine])
        dimension = f"StateMachineArn={machine}"
        sums = {
            name: metrics.points(f"AWS/States:{name}|{dimension}", "Sum")
            for name in ("ExecutionsStarted", *machines)
        }
        assert {name for name, found in sums.items() if found} == {"ExecutionsStarted", metric}
        assert sums[metric] == sums["ExecutionsStarted"] == {"Sum": 1}
    time_of_late = metrics.points(f"AWS/States:ExecutionTime|StateMachineArn={late}", "Average")
    assert 1000 <= time_of_late["Average"] < 3000


# --- statistics


@pytest.mark.parametrize("api", ["statistics", "data"])
def test_percentiles_are_those_of_the_points(workshop, metrics, api):
    namespace = workshop.name()
    metrics.client.put_metric_data(
        Namespace=namespace,
        MetricData=[{"MetricName": "Latency", "Values": [float(n) for n in range(1, 101)]}],
    )
    if api == "statistics":
        found = metrics.points(f"{namespace}:Latency", "p50", "p95", "p99")
    else:
        now = datetime.now().astimezone()
        results = metrics.client.get_metric_data(
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(hours=1),
            MetricDataQueries=[
                {
                    "Id": stat,
                    "MetricStat": {
                        "Metric": {"Namespace": namespace, "MetricName": "Latency"},
                        "Period": 24 * 3600,
                        "Stat": stat,
                    },
                }
                for stat in ("p50", "p95", "p99")
            ],
        )["MetricDataResults"]
        found = {result["Id"]: sum(result["Values"]) for result in results}
    assert found == {
        "p50": pytest.approx(50, abs=1),
        "p95": pytest.approx(95, abs=1),
        "p99": pytest.approx(99, abs=1),
    }
