"""SageMaker's log groups: how long their lines are kept, and the lines of a training job.

SageMaker makes a group as soon as a container prints, and keeps its lines for ever. The groups are
no resources of the stack, which could not make one that exists: all stages train into one group.
"""

import contextlib
import re
from collections import deque
from collections.abc import Iterator

from service import config

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
TAIL_LINES = 15


def keep_log_group(logs, group: str) -> None:
    """Make the log group if it is missing; its lines expire as the functions' lines do."""
    with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
        logs.create_log_group(logGroupName=group)
    days = config.load_service()["provider"]["logRetentionInDays"]
    logs.put_retention_policy(logGroupName=group, retentionInDays=days)


class JobLog:
    """The log of a training job, read as it grows."""

    def __init__(self, logs, job_name: str):
        self._logs = logs
        self._job_name = job_name
        self._tokens: dict[str, str | None] = {}

    def read_lines(self) -> Iterator[str]:
        """Yield the lines written since the last call."""
        try:
            streams = self._logs.describe_log_streams(
                logGroupName=LOG_GROUP, logStreamNamePrefix=f"{self._job_name}/"
            )["logStreams"]
        except self._logs.exceptions.ResourceNotFoundException:
            return  # the log group is made with the first line
        for name in (stream["logStreamName"] for stream in streams):
            token = None
            while token is None or token != self._tokens[name]:  # the same: there is no more
                token = self._tokens.get(name)
                request = {"startFromHead": True} | ({"nextToken": token} if token else {})
                page = self._logs.get_log_events(
                    logGroupName=LOG_GROUP, logStreamName=name, **request
                )
                self._tokens[name] = page["nextForwardToken"]
                for event in page["events"]:
                    yield from event["message"].splitlines()


class ScriptLines:
    """Picks the training script's lines out of a log whose lines are mostly the SDK's.

    The SDK logs the command that it runs, and each command of its own shell with a `+`. `tail`
    holds the last lines of all, `any` is whether the script printed any.
    """

    def __init__(self, entry_script: str):
        self._begins = re.compile(rf"Executing command: .*{re.escape(entry_script)}")
        self._ends = re.compile(r"Command failed with exit code|Training Container Execution")
        self._inside = False
        self.any = False
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)

    def pick(self, line: str) -> bool:
        """Whether the line is the script's own."""
        self.tail.append(line)
        begins = self._begins.search(line) is not None
        self._inside = begins or (self._inside and not self._ends.search(line))
        own = self._inside and not begins and not line.startswith("+ ")
        self.any |= own
        return own
