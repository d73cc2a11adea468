"""SageMaker's log groups: how long their lines are kept, and the lines of a training job.

SageMaker makes a group as soon as a container prints, and keeps its lines for ever. The groups are
no resources of the stack, which could not make one that exists: all stages train into one group.
"""

import contextlib
import re
from collections import deque
from collections.abc import Iterator

import yaml

from service import config

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
TAIL_LINES = 15


def keep_log_group(logs, group: str) -> None:
    """Make the log group if it is missing; its lines expire as the functions' lines do."""
    with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
        logs.create_log_group(logGroupName=group)
    service = yaml.safe_load((config.ROOT / "serverless.yml").read_text())
    days = service["provider"]["logRetentionInDays"]
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
        for stream in streams:
            yield from self._read_stream(stream["logStreamName"])

    def _read_stream(self, stream: str) -> Iterator[str]:
        while True:
            token = self._tokens.get(stream)
            page = self._logs.get_log_events(
                logGroupName=LOG_GROUP,
                logStreamName=stream,
                startFromHead=True,
                **({"nextToken": token} if token else {}),
            )
            self._tokens[stream] = page["nextForwardToken"]
            for event in page["events"]:
                yield from event["message"].splitlines()
            if page["nextForwardToken"] == token:  # CloudWatch's sign that there is no more
                return


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
        if self._begins.search(line):
            self._inside = True
            return False
        if self._ends.search(line):
            self._inside = False
        if not self._inside or line.startswith("+ "):
            return False
        self.any = True
        return True
