"""The log groups of SageMaker: what containers print goes to CloudWatch Logs.

AWS writes /aws/sagemaker/TrainingJobs and /aws/sagemaker/Endpoints/NAME with the execution role;
`ModelTrainer.train(logs=True)` and people who look for a reason read them. A role that may not
write logs loses them, there as here, and the job goes on.
"""

import contextlib
import logging
import threading
import time
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.sagemaker.roles import ExecutionRole

TRAINING_JOBS = "/aws/sagemaker/TrainingJobs"

_EVENTS_A_WRITE = 1000
_CHARACTERS_A_LINE = 250_000

_logger = logging.getLogger(__name__)


def endpoint_group(endpoint: str) -> str:
    """The log group of an endpoint."""
    return f"/aws/sagemaker/Endpoints/{endpoint}"


class Writer:
    """Collects items; a thread writes all that are waiting at once."""

    def __init__(self, seconds: float):
        self._added: list[Any] = []
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(seconds,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Return when all has been written."""
        self._closed.set()
        self._thread.join()

    def _run(self, seconds: float) -> None:
        closed, pause = False, 0.0
        while not closed:
            closed, pause = self._closed.wait(pause), seconds
            count = len(self._added)
            self._write(self._added[:count])
            del self._added[:count]

    def _write(self, added: list[Any]) -> None:
        raise NotImplementedError


class LogStream(Writer):
    """A log stream; lines are written a few times a second."""

    def __init__(self, role: ExecutionRole, group: str, stream: str):
        self._client = role.client("logs")
        self._names = {"logGroupName": group, "logStreamName": stream}
        self._exists = self._lost = False
        super().__init__(seconds=0.25)

    def write(self, line: str) -> None:
        """Add a line. CloudWatch Logs takes no empty ones."""
        if line.strip() and not self._lost:
            now = int(time.time() * 1000)
            self._added.append({"timestamp": now, "message": line[:_CHARACTERS_A_LINE]})

    def _write(self, added: list[Any]) -> None:
        try:
            if not self._exists:
                there = self._client.exceptions.ResourceAlreadyExistsException
                with contextlib.suppress(there):
                    self._client.create_log_group(logGroupName=self._names["logGroupName"])
                with contextlib.suppress(there):
                    self._client.create_log_stream(**self._names)
                self._exists = True
            for start in range(0, len(added), _EVENTS_A_WRITE):
                events = added[start : start + _EVENTS_A_WRITE]
                self._client.put_log_events(**self._names, logEvents=events)
        except (BotoCoreError, ClientError) as error:
            self._lost = True
            _logger.warning("nothing is logged to %s: %s", self._names["logGroupName"], error)
