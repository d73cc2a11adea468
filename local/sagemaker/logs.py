"""The log groups of SageMaker: what containers print goes to CloudWatch Logs.

AWS writes /aws/sagemaker/TrainingJobs and /aws/sagemaker/Endpoints/NAME with the execution role;
`ModelTrainer.train(logs=True)` and people who look for a reason read them. A role that may not
write logs loses them, there as here, and the job goes on.
"""

import contextlib
import logging
import queue
import threading
import time

from botocore.exceptions import BotoCoreError, ClientError

from local.sagemaker.roles import ExecutionRole

TRAINING_JOBS = "/aws/sagemaker/TrainingJobs"

_SECONDS_BETWEEN_WRITES = 0.25
_EVENTS_A_WRITE = 1000
_CHARACTERS_A_LINE = 250_000

_logger = logging.getLogger(__name__)


def endpoint_group(endpoint: str) -> str:
    """The log group of an endpoint."""
    return f"/aws/sagemaker/Endpoints/{endpoint}"


class LogStream:
    """A log stream; lines are written from a thread, a few times a second."""

    def __init__(self, role: ExecutionRole, group: str, stream: str):
        self._client = role.client("logs")
        self._names = {"logGroupName": group, "logStreamName": stream}
        self._lines: queue.SimpleQueue[dict | None] = queue.SimpleQueue()
        self._lost = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def write(self, line: str) -> None:
        """Add a line. CloudWatch Logs takes no empty ones."""
        if line.strip() and not self._lost:
            now = int(time.time() * 1000)
            self._lines.put({"timestamp": now, "message": line[:_CHARACTERS_A_LINE]})

    def close(self) -> None:
        """Return when all lines have been written."""
        self._lines.put(None)
        self._thread.join()

    def _run(self) -> None:
        try:
            exists = self._client.exceptions.ResourceAlreadyExistsException
            with contextlib.suppress(exists):
                self._client.create_log_group(logGroupName=self._names["logGroupName"])
            with contextlib.suppress(exists):
                self._client.create_log_stream(**self._names)
            while self._write_batch():
                time.sleep(_SECONDS_BETWEEN_WRITES)
        except (BotoCoreError, ClientError) as error:
            self._lost = True
            _logger.warning("nothing is logged to %s: %s", self._names["logGroupName"], error)

    def _write_batch(self) -> bool:
        """Write what is there; False once the stream is closed and empty."""
        events = [self._lines.get()]
        while not self._lines.empty() and len(events) < _EVENTS_A_WRITE:
            events.append(self._lines.get())
        is_open = events[-1] is not None
        if not is_open:
            events.pop()
        if events:
            self._client.put_log_events(**self._names, logEvents=events)
        return is_open
