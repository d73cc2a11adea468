"""A map run: starts a child for each batch, counts children and items, writes results, and ends.

One thread does all of it, so that nothing here is locked: the one of the parent's Map state. Its
record is what DescribeMapRun and ListMapRuns show, at any time, and what UpdateMapRun changes.
"""

import collections
import contextvars
import json
import queue
import threading
import time
from collections.abc import Callable, Iterable

from ministack.core.responses import new_uuid, now_iso
from ministack.services import s3
from ministack.services import stepfunctions as sfn

from local.step_functions import executions
from local.step_functions.distributed_map.definition import Settings
from local.step_functions.distributed_map.items import Batch

ENDS = {"SUCCEEDED": "succeeded", "FAILED": "failed", "TIMED_OUT": "timedOut", "ABORTED": "aborted"}
COUNTS = (
    *("pending", "running", *ENDS.values(), "total"),
    *("resultsWritten", "failuresNotRedrivable", "pendingRedrive"),
)
FAILED = "States.ResultWriterFailed"
# PutObject is not enough: Step Functions writes in parts, and looks at what it wrote.
ACTIONS = ("PutObject", "GetObject", "ListMultipartUploadParts", "AbortMultipartUpload")
CHILD_SECONDS = 300
LOOK_SECONDS = 0.05  # between looks for the end of the parent and for an overdue child


class Child:
    """An Express execution of the ItemProcessor over one batch.

    It has no history, is in no list, and sees its own input and context and none of its parent's
    variables. It has five minutes, and 256 KiB for its output. `execution` is the execution that
    MiniStack's states belong to; `outcome` is theirs, whether or not it had ended by then.
    """

    def __init__(self, parent: dict, state_machine_arn: str, batch: Batch):
        self.batch = batch
        self.outcome: dict = {}
        name = new_uuid()
        express = state_machine_arn.replace(":stateMachine:", ":express:")
        self.execution = {
            "executionArn": f"{express}:{name}:{new_uuid()}",
            "stateMachineArn": state_machine_arn,
            "name": name,
            "status": "RUNNING",
            "startDate": now_iso(),
            "parent": parent,
            "events": collections.deque(maxlen=0),  # an Express execution keeps no history
        }
        self.deadline = time.monotonic() + CHILD_SECONDS

    def run(self, processor: dict, context: dict, ended: Callable[["Child"], None]) -> None:
        """Run the ItemProcessor; calls `ended` unless the child was ended meanwhile."""
        execution = self.execution
        executions.current.set(execution)
        value = json.loads(self.batch.text)
        own = {
            "QueryLanguage": context["QueryLanguage"],
            "Execution": {
                "Id": execution["executionArn"],
                "Input": value,
                "Name": execution["name"],
                "RedriveCount": 0,
                "RoleArn": context["RoleArn"],
                "StartTime": execution["startDate"],
            },
            "StateMachine": {
                "Id": execution["stateMachineArn"],
                "Name": execution["stateMachineArn"].rsplit(":", 1)[-1],
            },
            "variables": {},
        }
        try:
            output = sfn._run_sub_machine(
                processor["States"], processor["StartAt"], value, execution, own
            )
            executions.check_size(output, "The execution returned a result with")
            self.outcome = {"status": "SUCCEEDED", "output": output}
        except executions.ExecutionEndedError:
            return
        except sfn._ExecutionError as error:
            self.outcome = {"status": "FAILED", "error": error.error, "cause": error.cause}
        except Exception as error:
            self.outcome = {"status": "FAILED", "error": "States.Runtime", "cause": str(error)}
        ended(self)


class MapRun:
    """The run of one Distributed Map in one execution."""

    def __init__(self, parent: dict, label: str, settings: Settings):
        self.parent = parent
        self.state_machine_arn = f"{parent['stateMachineArn']}/{label}"
        kind = self.state_machine_arn.replace(":stateMachine:", ":mapRun:")
        self.arn = f"{kind}:{new_uuid()}"
        self.record = {
            "mapRunArn": self.arn,
            "executionArn": parent["executionArn"],
            "status": "RUNNING",
            "startDate": now_iso(),
            "maxConcurrency": settings.max_concurrency,
            "toleratedFailurePercentage": settings.tolerated_failure_percentage,
            "toleratedFailureCount": 0,
            "itemCounts": dict.fromkeys(COUNTS, 0),
            "executionCounts": dict.fromkeys(COUNTS, 0),
            "redriveCount": 0,
            "_stateMachineArn": self.state_machine_arn,
        }
        self._lines: dict[str, list[str]] = collections.defaultdict(list)  # by status
        self._waiting: collections.deque[Batch] = collections.deque()
        self._running: set[Child] = set()
        self._ended: queue.SimpleQueue[Child] = queue.SimpleQueue()
        details = {"mapRunStartedEventDetails": {"mapRunArn": self.arn}}
        sfn._add_event(parent, "MapRunStarted", details)  # first: it may end the parent
        sfn._map_runs[self.arn] = self.record

    def add(self, batches: Iterable[Batch]) -> None:
        """Take all batches before the first child starts: the share of failures is one of them."""
        for batch in batches:
            self._waiting.append(batch)
            self._count(batch, "total")
            self._count(batch, "pending")

    def work(self, processor: dict, context: dict) -> None:
        """Run a child for each batch.

        Returns early once more items have failed than are tolerated; what runs by then is aborted.
        Raises ExecutionEndedError once the parent has ended.
        """
        while (self._waiting or self._running) and not self.exceeded():
            if not executions.is_running(self.parent):
                raise executions.ExecutionEndedError
            while self._waiting and len(self._running) < self.record["maxConcurrency"]:
                self._start(processor, context)
            try:
                self._take(self._ended.get(timeout=LOOK_SECONDS))
            except queue.Empty:
                now = time.monotonic()
                for child in [child for child in self._running if now > child.deadline]:
                    self._end(child, "TIMED_OUT", error="States.Timeout")
        self._abort()

    def exceeded(self) -> bool:
        """Whether more of the items have failed or timed out than are tolerated."""
        counts = self.record["itemCounts"]
        failed = counts["failed"] + counts["timedOut"]
        return failed * 100 > self.record["toleratedFailurePercentage"] * counts["total"]

    def write_results(self, bucket: str, prefix: str) -> dict:
        """Write the results of the children; the state's result."""
        self._lines["PENDING"] = [_pending_line(batch.text) for batch in self._waiting]
        result = _write(self._lines, bucket, prefix, self.arn)
        for counts in (self.record["itemCounts"], self.record["executionCounts"]):
            counts["resultsWritten"] = sum(counts[name] for name in ENDS.values())
        return result

    def end(self, status: str, **details: str) -> None:
        """End the run as SUCCEEDED, FAILED or ABORTED, and with it the children that still run."""
        self._abort()
        self.record.update(status=status, stopDate=now_iso())
        if executions.is_running(self.parent):
            name = status.capitalize()
            key = f"mapRun{name}EventDetails"
            sfn._add_event(self.parent, f"MapRun{name}", {key: details} if details else None)

    def _start(self, processor: dict, context: dict) -> None:
        batch = self._waiting.popleft()
        child = Child(self.parent, self.state_machine_arn, batch)
        self._running.add(child)
        self._count(batch, "pending", -1)
        self._count(batch, "running")
        run = contextvars.copy_context().run
        arguments = child.run, processor, context, self._ended.put
        threading.Thread(target=run, args=arguments, daemon=True).start()

    def _take(self, child: Child) -> None:
        if child in self._running:  # else it was overdue
            self._end(child, **child.outcome)

    def _end(self, child: Child, status: str, output: object = None, **details: str) -> None:
        """End the child; no state of it starts any more."""
        self._running.remove(child)
        self._count(child.batch, "running", -1)
        self._count(child.batch, ENDS[status])
        child.execution.update(status=status, stopDate=now_iso(), **details)
        if status == "SUCCEEDED":
            values = output if isinstance(output, list) else [output]
            self._lines[status] += map(executions.compact, values)
        else:
            self._lines["FAILED"].append(_failed_line(child.execution, child.batch.text))

    def _abort(self) -> None:
        while not self._ended.empty():
            self._take(self._ended.get())
        for child in list(self._running):
            self._end(child, "ABORTED")

    def _count(self, batch: Batch, name: str, by: int = 1) -> None:
        self.record["itemCounts"][name] += by * batch.items
        self.record["executionCounts"][name] += by


def _failed_line(execution: dict, text: str) -> str:
    """The line of an execution that started and did not succeed; its input as JSON."""
    row = {
        "ExecutionArn": execution["executionArn"],
        "Input": text,
        "InputDetails": {"Included": True},
        "Name": execution["name"],
        "OutputDetails": {"Included": True},
        "StartDate": execution["startDate"],
        "StateMachineArn": execution["stateMachineArn"],
        "Status": execution["status"],
        "StopDate": execution["stopDate"],
    }
    details = {name.title(): execution[name] for name in ("error", "cause") if name in execution}
    return executions.compact(row | details)


def _pending_line(text: str) -> str:
    """The line of a child that never started; its input as JSON."""
    return executions.compact(
        {"Input": text, "InputDetails": {"Included": True}, "Status": "PENDING"}
    )


def _write(lines: dict[str, list[str]], bucket: str, prefix: str, map_run_arn: str) -> dict:
    """Write lines by status below `<prefix>/<id of the map run>/`; the state's result.

    `SUCCEEDED_0.jsonl` holds the children's outputs, a list as one line an element (FLATTEN), the
    others the executions that failed, timed out or were aborted, and those that never started. A
    file without lines is not written. (AWS starts another file, `_1`, after 5 GB.)

    Raises States.ResultWriterFailed where the role or S3 refuses.
    """
    folder = "/".join(filter(None, (prefix, map_run_arn.rsplit(":", 1)[1])))
    files: dict[str, list[dict]] = {"FAILED": [], "PENDING": [], "SUCCEEDED": []}
    for status in filter(lines.get, files):
        key = f"{folder}/{status}_0.jsonl"
        files[status].append({"Key": key, "Size": _put(bucket, key, "\n".join(lines[status]))})
    manifest = {"DestinationBucket": bucket, "MapRunArn": map_run_arn, "ResultFiles": files}
    key = f"{folder}/manifest.json"
    _put(bucket, key, json.dumps(manifest))
    return {"MapRunArn": map_run_arn, "ResultWriterDetails": {"Bucket": bucket, "Key": key}}


def _put(bucket: str, key: str, text: str) -> int:
    for action in ACTIONS:
        executions.authorize(f"s3:{action}", f"arn:aws:s3:::{bucket}/{key}", FAILED)
    body = text.encode()
    status, _, answer = s3._put_object(bucket, key, body, {"content-type": "application/json"})
    if status >= 300:
        raise sfn._ExecutionError(FAILED, answer.decode("utf-8", "replace"))
    return len(body)
