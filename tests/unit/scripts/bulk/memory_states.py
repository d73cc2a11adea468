"""Step Functions in memory: the calls that the scripts make, answered as AWS answers them."""

from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta

from service.stack import Stack
from tests.unit.refusals import refusal
from tests.unit.service.memory_s3 import MemoryS3

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:vehicles-classifyBulk"
BUCKET = "own-bucket"
NAMES = dict.fromkeys((field.name for field in fields(Stack)), "")
STACK = Stack(**NAMES | {"bucket": BUCKET, "bulk_state_machine": MACHINE})


class MemoryStates:
    def __init__(self):
        self.executions: dict[str, dict] = {}
        self.started = 0
        self.map_runs: dict[str, dict] = {}

    def start_execution(self, stateMachineArn, name, input):  # noqa: N803
        arn = f"{stateMachineArn.replace(':stateMachine:', ':execution:')}:{name}"
        known = self.executions.get(arn)
        if known is None:
            self.started += 1
            self.executions[arn] = known = {
                "executionArn": arn,
                "stateMachineArn": stateMachineArn,
                "name": name,
                "status": "RUNNING",
                "startDate": datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=self.started),
                "input": input,
            }
        return {"executionArn": arn, "startDate": known["startDate"]}

    def describe_execution(self, executionArn):  # noqa: N803
        if executionArn not in self.executions:
            raise refusal("ExecutionDoesNotExist")
        return self.executions[executionArn]

    def list_executions(self, stateMachineArn, statusFilter=None, maxResults=100):  # noqa: N803
        found = [
            each for each in self.executions.values() if statusFilter in (None, each["status"])
        ]
        return {"executions": found[-maxResults:][::-1]}

    def list_map_runs(self, executionArn):  # noqa: N803
        return {"mapRuns": [{"mapRunArn": arn} for arn in self.map_runs if executionArn in arn]}

    def describe_map_run(self, mapRunArn):  # noqa: N803
        return self.map_runs[mapRunArn]

    def end(self, arn: str, status: str, **more) -> None:
        started = self.executions[arn]["startDate"]
        stopped = started + timedelta(seconds=90)
        self.executions[arn] |= {"status": status, "stopDate": stopped, **more}


@dataclass
class MemoryCloud:
    s3: MemoryS3 = field(default_factory=MemoryS3)
    states: MemoryStates = field(default_factory=MemoryStates)

    def client(self, service: str, connections: int = 10):
        return {"s3": self.s3, "stepfunctions": self.states}[service]


def make_map_run(arn: str = "", seconds: float = 4, **counts: int) -> dict:
    """What DescribeMapRun says."""
    names = ("pending", "running", "succeeded", "failed", "timedOut", "aborted", "total")
    began = datetime(2026, 1, 1, tzinfo=UTC)
    return {
        "mapRunArn": arn,
        "itemCounts": {**dict.fromkeys(names, 0), **counts},
        "startDate": began,
        "stopDate": began + timedelta(seconds=seconds),
    }
