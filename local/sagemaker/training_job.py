"""A training job, run for real.

AWS downloads the job's channels, runs its container on a machine of its own, uploads its results
and reports its progress. The same happens here with a child process in place of the container: the
folders that a container finds below /opt/ml lie in the job's own folder. The SDK's ModelTrainer
sends the scripts that start the user's code along, as a channel; only that path in them is changed.
"""

import contextlib
import json
import logging
import re
import shlex
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.sagemaker import processes, records, storage
from local.sagemaker.logs import TRAINING_JOBS, LogStream
from local.sagemaker.requests import Request
from local.sagemaker.roles import ExecutionRole

CONTAINER_ROOT = "/opt/ml"
CHECKPOINTS = f"{CONTAINER_ROOT}/checkpoints"
_DRIVERS = "sm_drivers"
_HOST = "algo-1"
_SECONDS_TO_STOP = 120
SECONDS_TO_RUN = 86_400
_SECONDS_BETWEEN_CHECKPOINTS = 2
_REASON_LENGTH = 1024

_logger = logging.getLogger(__name__)


class _FailedError(Exception):
    """The job has failed; the message is its FailureReason."""


class TrainingJob(records.Record):
    """One training job: its record, and the thread that runs it."""

    def __init__(self, request: Request, role: ExecutionRole):
        super().__init__("training-job", request)
        self.status = "InProgress"
        self._secondary_status = ""
        self._role = role
        self._folder = Path(tempfile.gettempdir()) / "training" / self.name
        self._transitions: list[dict[str, Any]] = []
        self._results: dict[str, Any] = {}
        self._metrics: dict[str, dict[str, Any]] = {}
        self._patterns = {
            definition["Name"]: re.compile(definition["Regex"])
            for definition in request["AlgorithmSpecification"].get("MetricDefinitions") or []
        }
        self._lock = threading.Lock()
        self._stop_requested = False
        self._child: processes.Child | None = None
        self._transition("Starting", "Starting the training job")

    def start(self) -> None:
        """Begin; returns at once."""
        threading.Thread(target=self._run, name=self.name, daemon=True).start()

    def stop(self) -> bool:
        """Ask the job to stop: SIGTERM, SIGKILL after two minutes. What it made is uploaded.

        False if the job has ended already.
        """
        with self._lock:
            if self.status not in ("InProgress", "Stopping"):
                return False
            self._stop_requested = True
            self.status = "Stopping"
            self._transition("Stopping", "Stopping the training job")
            if self._child:
                threading.Thread(
                    target=self._child.stop, args=(_SECONDS_TO_STOP,), daemon=True
                ).start()
        return True

    def describe(self) -> Request:
        """The answer of DescribeTrainingJob."""
        metrics = list(self._metrics.values())
        return super().describe() | {
            "TrainingJobStatus": self.status,
            "SecondaryStatus": self._secondary_status,
            "LastModifiedTime": self._modified,
            "SecondaryStatusTransitions": list(self._transitions),
            **({"FinalMetricDataList": metrics} if metrics else {}),
            **self._results,
        }

    def _transition(self, secondary_status: str, message: str) -> None:
        now = time.time()
        if self._transitions:
            self._transitions[-1]["EndTime"] = now
        self._transitions.append(
            {"Status": secondary_status, "StartTime": now, "StatusMessage": message}
        )
        self._secondary_status, self._modified = secondary_status, now

    def _run(self) -> None:
        stream = f"{self.name}/{_HOST}-{int(self.created * 1000)}"
        log = LogStream(self._role, TRAINING_JOBS, stream)
        outcome, reason = "Failed", ""
        try:
            outcome = self._train(log)
        except _FailedError as failed:
            reason = str(failed)
        except Exception:
            _logger.exception("training job %s", self.name)
            reason = "InternalServerError: We encountered an internal error. Please try again."
        log.close()  # whoever waits for the end finds the whole log
        shutil.rmtree(self._folder, ignore_errors=True)
        self._end(outcome, reason)

    def _end(self, outcome: str, reason: str) -> None:
        message = f"Training job {outcome.lower()}"
        if outcome == "MaxRuntimeExceeded":
            message = "Training job runtime exceeded MaxRuntimeInSeconds provided"
        self._transition(outcome, message)
        self._transitions[-1]["EndTime"] = self._modified
        self._results["TrainingEndTime"] = self._modified
        if "TrainingStartTime" in self._results:
            seconds = max(1, round(self._modified - self._results["TrainingStartTime"]))
            self._results |= {"TrainingTimeInSeconds": seconds, "BillableTimeInSeconds": seconds}
        if reason:
            self._results["FailureReason"] = reason[:_REASON_LENGTH]
        with self._lock:
            # Last: a waiter that sees the end describes the job no more.
            self.status = "Stopped" if outcome == "MaxRuntimeExceeded" else outcome

    def _train(self, log: LogStream) -> str:
        """Run the job; returns the secondary status that it ends in."""
        self._transition("Downloading", "Downloading input data")
        self._results["TrainingStartTime"] = time.time()
        condition = self.request.get("StoppingCondition") or {}
        deadline = time.monotonic() + condition.get("MaxRuntimeInSeconds", SECONDS_TO_RUN)
        root = self._folder / "ml"
        self._lay_out(root)
        self._download(root)
        checkpoints = self._restore_checkpoints(root)
        with _plain_path(root) as path:
            child = self._start_container(path, log)
            if not child:
                return "Stopped"
            status = None
            while status is None and time.monotonic() < deadline:
                left = deadline - time.monotonic()
                status = child.wait(max(0.0, min(left, _SECONDS_BETWEEN_CHECKPOINTS)))
                self._save_checkpoints(checkpoints)
            timed_out = status is None
            if timed_out:
                child.stop(_SECONDS_TO_STOP)
                self._save_checkpoints(checkpoints)
        self._transition("Uploading", "Uploading generated training model")
        failed = status != 0 and not (timed_out or self._stop_requested)
        try:
            self._upload(root)
        except _FailedError:
            if not failed:
                raise
        if failed:
            raise _FailedError(_algorithm_error(root, status))
        if timed_out:
            return "MaxRuntimeExceeded"
        return "Stopped" if self._stop_requested else "Completed"

    def _lay_out(self, root: Path) -> None:
        for folder in ("input/config", "input/data", "model", "output/data", "code", "tmp"):
            (root / folder).mkdir(parents=True)
        kind, group = self.request["ResourceConfig"]["InstanceType"], "homogeneousCluster"
        channel = {
            "TrainingInputMode": "File",
            "S3DistributionType": "FullyReplicated",
            "RecordWrapperType": "None",
        }
        names = [each["ChannelName"] for each in self.request.get("InputDataConfig") or []]
        config = {
            "hyperparameters.json": self.request.get("HyperParameters") or {},
            "inputdataconfig.json": dict.fromkeys(names, channel),
            "resourceconfig.json": {
                "current_host": _HOST,
                "current_instance_type": kind,
                "current_group_name": group,
                "hosts": [_HOST],
                "instance_groups": [
                    {"instance_group_name": group, "instance_type": kind, "hosts": [_HOST]}
                ],
                "network_interface_name": "lo",
            },
        }
        for name, content in config.items():
            (root / "input" / "config" / name).write_text(json.dumps(content))

    def _download(self, root: Path) -> None:
        s3 = self._role.client("s3")
        for channel in self.request.get("InputDataConfig") or []:
            uri = channel["DataSource"]["S3DataSource"]["S3Uri"]
            folder = root / "input" / "data" / channel["ChannelName"]
            folder.mkdir()
            with _phase("Data download", f"download object {uri}"):
                found = storage.download_prefix(s3, uri, folder)
            if not found:
                raise _FailedError(
                    f'ClientError: Data download failed:No S3 objects found under S3 URL "{uri}". '
                    "Please ensure that the bucket exists in the selected region, that objects "
                    f'exist under that S3 prefix, and that the role "{self._role.arn}" has '
                    f'"s3:ListBucket" permissions on bucket "{storage.split(uri)[0]}".'
                )

    def _restore_checkpoints(self, root: Path) -> storage.Checkpoints | None:
        config = self.request.get("CheckpointConfig")
        if not config:
            return None
        folder = root / Path(config.get("LocalPath", CHECKPOINTS)).relative_to(CONTAINER_ROOT)
        checkpoints = storage.Checkpoints(self._role.client("s3"), config["S3Uri"], folder)
        with _phase("Checkpoint download", f"download {config['S3Uri']}"):
            checkpoints.restore()
        return checkpoints

    def _save_checkpoints(self, checkpoints: storage.Checkpoints | None) -> None:
        if not checkpoints:
            return
        try:
            with _phase("Checkpoint upload", f"upload to {checkpoints.uri}"):
                checkpoints.save()
        except _FailedError:
            self._child.stop(0)
            raise

    def _start_container(self, root: Path, log: LogStream) -> processes.Child | None:
        """Run the container's command; None if the job has been stopped before."""

        def here(text: str) -> str:
            return text.replace(CONTAINER_ROOT, str(root))

        for path in (root / "input" / "data" / _DRIVERS).rglob("*"):
            if path.suffix in (".json", ".py", ".sh"):
                path.write_text(here(path.read_text()))
        algorithm = self.request["AlgorithmSpecification"]
        command = [*algorithm["ContainerEntrypoint"], *algorithm.get("ContainerArguments", [])]
        variables = self.request.get("Environment") or {}
        env = {
            **processes.environment(root),
            "TMPDIR": str(root / "tmp"),
            # The packages are the local cloud's own: those that a job needs must be there already.
            "PIP_NO_INDEX": "1",
            "TRAINING_JOB_NAME": self.name,
            "TRAINING_JOB_ARN": self.arn,
            **self._role.environment,
            **{name: here(value) for name, value in variables.items()},
        }

        def on_line(line: str) -> None:
            log.write(line)
            self._measure(line)

        with self._lock:
            if self._stop_requested:
                return None
            message = "Training image download completed. Training in progress."
            self._transition("Training", message)
            self._child = processes.Child(
                [here(part) for part in command], root / "code", env, on_line
            )
            return self._child

    def _measure(self, line: str) -> None:
        for name, pattern in self._patterns.items():
            found = pattern.search(line)
            with contextlib.suppress(IndexError, ValueError):  # the pattern captures no number
                if found:
                    metric = {"Value": float(found[1]), "Timestamp": time.time()}
                    self._metrics = {**self._metrics, name: {"MetricName": name, **metric}}

    def _upload(self, root: Path) -> None:
        """model.tar.gz always, output.tar.gz if the job left any data."""
        uri = self.request["OutputDataConfig"]["S3OutputPath"].rstrip("/")
        uri = f"{uri}/{self.name}/output"
        bucket, prefix = storage.split(uri)
        folders = {"model.tar.gz": root / "model"}
        if any((root / "output" / "data").iterdir()):
            folders["output.tar.gz"] = root / "output" / "data"
        for name, folder in folders.items():
            archive = self._folder / name
            storage.pack(folder, archive)
            with _phase("Artifact upload", f"upload to {uri}/{name}"), archive.open("rb") as body:
                self._role.client("s3").put_object(Bucket=bucket, Key=f"{prefix}/{name}", Body=body)
        self._results["ModelArtifacts"] = {"S3ModelArtifacts": f"{uri}/model.tar.gz"}


@contextlib.contextmanager
def _plain_path(folder: Path) -> Iterator[Path]:
    """The folder under a path that a shell script need not quote, as /opt/ml need not be."""
    if shlex.quote(str(folder)) == str(folder):
        yield folder
        return
    with tempfile.TemporaryDirectory(dir="/tmp") as above:
        link = Path(above) / "ml"
        link.symlink_to(folder)
        yield link


def _algorithm_error(root: Path, status: int) -> str:
    failure = root / "output" / "failure"
    reason = failure.read_text(errors="replace").strip() if failure.is_file() else ""
    if not reason:
        return f"AlgorithmError: Exit Code: {status}"
    ending = f", exit code: {status}"
    return f"AlgorithmError: {reason[: _REASON_LENGTH - 16 - len(ending)]}{ending}"


@contextlib.contextmanager
def _phase(phase: str, action: str) -> Iterator[None]:
    """Fail the job where its role or S3 refuses the action."""
    try:
        yield
    except ClientError as error:
        reason = "{Code}: {Message}".format(**error.response["Error"])
        raise _FailedError(f"ClientError: {phase} failed:Unable to {action} ({reason})") from None
    except (BotoCoreError, ValueError) as error:
        raise _FailedError(f"ClientError: {phase} failed:Unable to {action} ({error})") from None
