"""SageMaker's log groups: how long they are kept, and what a training job said.

SageMaker makes them itself, to keep for ever, as soon as a container prints. They are no resources
of the stack: the one of training jobs belongs to all stages, and those that are there already
could not be made by it.
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
    """Make the log group, unless it is there, and have its lines expire as the functions' do."""
    with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
        logs.create_log_group(logGroupName=group)
    logs.put_retention_policy(logGroupName=group, retentionInDays=retention_days())


def retention_days() -> int:
    """Return the retention of the stack's log groups, which is written in serverless.yml."""
    service = yaml.safe_load((config.ROOT / "serverless.yml").read_text())
    return service["provider"]["logRetentionInDays"]


class JobLog:
    """Reads on where it left off."""

    def __init__(self, logs, job_name: str):
        self._logs = logs
        self._job_name = job_name
        self._tokens: dict[str, str | None] = {}

    def lines(self) -> Iterator[str]:
        """Yield the lines that came since the last call."""
        try:
            streams = self._logs.describe_log_streams(
                logGroupName=LOG_GROUP, logStreamNamePrefix=f"{self._job_name}/"
            )["logStreams"]
        except self._logs.exceptions.ResourceNotFoundException:
            return  # the log group is made with the first line
        for stream in streams:
            yield from self._stream_lines(stream["logStreamName"])

    def _stream_lines(self, stream: str) -> Iterator[str]:
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
            if page["nextForwardToken"] == token:  # how CloudWatch says that this is all
                return


class ScriptLines:
    """Picks the training script's lines out of the container's, which are mostly the SDK's.

    The SDK's driver announces the command that it runs, and traces its own shell with `+`.
    """

    def __init__(self, entry_script: str):
        self._begins = re.compile(rf"Executing command: .*{re.escape(entry_script)}")
        self._ends = re.compile(r"Command failed with exit code|Training Container Execution")
        self._inside = False
        self.any = False
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)

    def pick(self, line: str) -> bool:
        """Tell whether the line is the script's own. Every line goes into `tail`."""
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
