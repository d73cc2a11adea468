"""What an execution used: its history, its functions' times, its share of the endpoint."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from scripts.bulk import results
from scripts.cost import amounts
from scripts.cost.amounts import ENDS, Function, Instances, Usage
from service import config, terminal
from service.hosting import Hosting
from service.stack import Cloud, Stack
from service.terminal import UserError

MOST_POINTS = 1440  # GetMetricStatistics gives no more


@dataclass(frozen=True)
class History:
    """What an execution did that is billed.

    States `entered`, attempts of each task by its state's name (`tasks`), `retries` among them,
    `items` of its Maps, and the ARNs of its `map_runs`.
    """

    entered: int
    tasks: Counter[str]
    retries: int
    items: int
    map_runs: tuple[str, ...]

    @property
    def transitions(self) -> int:
        """State transitions, without those of a Distributed Map's children: a retry is one too."""
        return ENDS + self.entered + self.retries

    @classmethod
    def read(cls, states, execution_arn: str) -> "History":
        """Read the history of an execution, however long."""
        pages = states.get_paginator("get_execution_history").paginate(
            executionArn=execution_arn, includeExecutionData=False
        )
        return cls.of(event for page in pages for event in page["events"])

    @classmethod
    def of(cls, events: Iterable[dict]) -> "History":
        """Return what the events tell. Each task's attempts lead back to where it was entered."""
        state: dict[int, str] = {}
        entered, items, visits, tasks, map_runs = 0, 0, Counter(), Counter(), []
        for event in events:
            kind = event["type"]
            name = state.get(event.get("previousEventId", 0), "")
            if kind.endswith("StateEntered"):
                name = event["stateEnteredEventDetails"]["name"]
                entered += 1
                visits[name] += 1
            elif kind == "TaskScheduled":
                tasks[name] += 1
            elif kind == "MapStateStarted":
                # A Distributed Map counts its items in its map run.
                items += event.get("mapStateStartedEventDetails", {}).get("length", 0)
            elif kind == "MapRunStarted":
                map_runs.append(event["mapRunStartedEventDetails"]["mapRunArn"])
            state[event["id"]] = name
        # A task that fails before it is scheduled has fewer attempts than visits.
        retries = sum(max(attempts - visits[name], 0) for name, attempts in tasks.items())
        return cls(entered, tasks, retries, items, tuple(map_runs))


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
            terminal.warn(
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


class Task(NamedTuple):
    """A state that calls a function, by itself or in the children of a Distributed Map."""

    state: str
    function: str
    in_child: bool


def of_execution(cloud: Cloud, stack: Stack, execution: dict) -> Usage:
    """Return what the execution, as DescribeExecution tells it, used.

    Transitions, and how often a function was called, are those in its history and its map runs: a
    retry counts, but for one within a batch of `classifyBulk`, which leaves no trace. How long a
    call took is the function's mean in the minutes of the run. Raises UserError for an execution
    that still runs, that came to no image, or that belongs to another state machine.
    """
    if execution["status"] == "RUNNING":
        raise UserError(f"{execution['name']} still runs. Its bill is complete when it has ended.")
    machine = execution["stateMachineArn"]
    if machine not in (stack.state_machine, stack.bulk_state_machine):
        raise UserError(f"{execution['name']} is no execution of classify or classifyBulk.")
    states = cloud.client("stepfunctions")
    history = History.read(states, execution["executionArn"])
    definition = json.loads(states.describe_state_machine(stateMachineArn=machine)["definition"])
    runs = [states.describe_map_run(mapRunArn=arn) for arn in history.map_runs]
    children = sum(_started(run["executionCounts"]) for run in runs)
    measured = Invocations(cloud, execution["startDate"], execution["stopDate"])
    tasks = lambda_tasks(definition)
    functions = {
        task.function: measured.of(task.function, calls, execution["status"] == "SUCCEEDED")
        for task in tasks
        if (calls := children if task.in_child else history.tasks[task.state])
    }
    if machine == stack.state_machine:
        images, s3_gets, s3_puts = history.items, history.tasks["SerializeImageData"], 0
    else:
        images = sum(_started(run["itemCounts"]) for run in runs)
        s3, (map_run, *_) = cloud.client("s3"), [*history.map_runs, None]
        written = results.read_result_files(s3, stack.bucket, execution, map_run)
        files = sum(map(len, written.values())) + bool(written)
        # Each batch's array is written and read, and so are the results; the manifest is read.
        s3_gets, s3_puts = images + children + len(runs) + files, children + files
    if not images:
        raise UserError(f"{execution['name']} ended before it came to its images.")
    seconds = sum(functions[task.function].seconds for task in tasks if task.in_child and children)
    return Usage(
        images=images,
        transitions=history.transitions + children,
        express_requests=children,
        express_gb_seconds=amounts.express_gb_seconds(children, seconds),
        functions={
            name.removeprefix(f"{stack.endpoint}-"): used for name, used in functions.items()
        },
        s3_gets=s3_gets,
        s3_puts=s3_puts,
        endpoint_gb=amounts.endpoint_gb(images, config.load()["image"]["size"]),
        instances=_endpoint(cloud, stack, execution),
    )


def lambda_tasks(definition: dict, in_child: bool = False) -> list[Task]:
    """Return the tasks of a state machine's definition that call functions."""
    found = []
    for name, state in definition.get("States", {}).items():
        if state.get("Resource") == "arn:aws:states:::lambda:invoke":
            found.append(Task(name, state["Arguments"]["FunctionName"].split(":")[6], in_child))
        processor = state.get("ItemProcessor", {})
        distributed = processor.get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED"
        found += lambda_tasks(processor, in_child or distributed)
    return found


def _started(counts: dict) -> int:
    return counts["total"] - counts["pending"]


def _endpoint(cloud: Cloud, stack: Stack, execution: dict) -> Instances | None:
    """The endpoint's instances for the time of the run; None where there is none now."""
    sagemaker = cloud.client("sagemaker")
    endpoint = Hosting(sagemaker, stack.endpoint, stack.endpoint).describe()
    if endpoint is None:
        return None
    configuration = sagemaker.describe_endpoint_config(
        EndpointConfigName=endpoint["EndpointConfigName"]
    )
    return Instances(
        type=configuration["ProductionVariants"][0]["InstanceType"],
        count=sum(v["CurrentInstanceCount"] for v in endpoint["ProductionVariants"]),
        seconds=(execution["stopDate"] - execution["startDate"]).total_seconds(),
        stand=True,
    )
