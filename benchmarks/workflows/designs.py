"""Three designs of the workflow, run over the same images on the deployed service."""

import itertools
import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import yaml

from scripts.bulk import runs
from service.stack import Cloud, Stack

COURSE = Path(__file__).with_name("course.asl.yml")
FUNCTIONS = {
    "SERIALIZE": "serializeImageData",
    "CLASSIFY": "classifyImage",
    "FILTER": "filterLowConfidence",
}
BATCH = 500  # statemachine/batch.schema.json takes no more
STARTING_THREADS = 8
# Executions at once: the course's design does not try again where Lambda throttles, and each of
# classify's is 40 calls, which here wait for a handful of environments.
AT_ONCE = {"course": 250, "classify": 4}
POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Run:
    """Executions over images: how long they took, from the first start to the last end."""

    design: str
    images: int
    seconds: float
    executions: list[dict]

    @property
    def images_per_second(self) -> float:
        """Throughput."""
        return self.images / self.seconds


class Designs:
    """The designs by name; each classifies so many images, taken in turn from `keys`."""

    def __init__(self, cloud: Cloud, stack: Stack, keys: list[str]):
        self._cloud, self._stack, self._keys = cloud, stack, keys
        self._states = cloud.client("stepfunctions", connections=STARTING_THREADS)
        self._course: str | None = None
        self.by_name: dict[str, Callable[[int], Run]] = {
            "course": self.course,
            "classify": self.classify,
            "classifyBulk": self.classify_bulk,
        }

    def course(self, images: int) -> Run:
        """An execution an image, three tasks in a row."""
        if self._course is None:
            self._course = self._create_course()
        bucket = self._stack.bucket
        inputs = [
            {"s3_bucket": bucket, "s3_key": key, "image_data": ""} for key in self._take(images)
        ]
        executions = self._run_all(self._course, inputs, AT_ONCE["course"])
        ended = Counter(execution.get("error", "accepted") for execution in executions)
        unexpected = set(ended) - {"accepted", "THRESHOLD_CONFIDENCE_NOT_MET"}
        if unexpected:
            raise SystemExit(f"course: {dict(ended)}")
        return _run("course", images, executions)

    def classify(self, images: int) -> Run:
        """Batches of 500, four at once."""
        entries = [{"s3_key": key} for key in self._take(images)]
        batches = [entries[start : start + BATCH] for start in range(0, images, BATCH)]
        inputs = [{"images": batch} for batch in batches]
        executions = self._run_all(self._stack.state_machine, inputs, AT_ONCE["classify"])
        _check_counts("classify", images, executions)
        return _run("classify", images, executions)

    def classify_bulk(self, images: int) -> Run:
        """One run; an image listed again is classified again."""
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as manifest:
            manifest.writelines(json.dumps({"s3_key": key}) + "\n" for key in self._take(images))
            manifest.flush()
            submitted = runs.submit(self._cloud, self._stack, manifest.name, keep_duplicates=True)
        execution = runs.wait(self._states, submitted.execution_arn)
        _check_counts("classifyBulk", images, [execution])
        return _run("classifyBulk", images, [execution])

    def delete(self) -> None:
        """Delete the course's state machine."""
        if self._course is not None:
            self._states.delete_state_machine(stateMachineArn=self._course)

    def _take(self, images: int) -> itertools.islice:
        return itertools.islice(itertools.cycle(self._keys), images)

    def _create_course(self) -> str:
        definition = COURSE.read_text()
        functions = self._cloud.client("lambda")
        for placeholder, name in FUNCTIONS.items():
            arn = functions.get_function_configuration(
                FunctionName=f"{self._stack.endpoint}-{name}"
            )["FunctionArn"]
            definition = definition.replace(placeholder, arn)
        described = self._states.describe_state_machine(stateMachineArn=self._stack.state_machine)
        return self._states.create_state_machine(
            name=f"{self._stack.endpoint}-course-{time.time_ns()}",
            definition=json.dumps(yaml.safe_load(definition)),
            roleArn=described["roleArn"],
        )["stateMachineArn"]

    def _run_all(self, machine: str, inputs: list[dict], at_once: int) -> list[dict]:
        def start(given: dict) -> str:
            text = json.dumps(given)
            return self._states.start_execution(stateMachineArn=machine, input=text)["executionArn"]

        ended = []
        with ThreadPoolExecutor(STARTING_THREADS) as pool:
            for first in range(0, len(inputs), at_once):
                arns = pool.map(start, inputs[first : first + at_once])
                ended += [self._wait(arn) for arn in arns]
        return ended

    def _wait(self, arn: str) -> dict:
        while True:
            execution = self._states.describe_execution(executionArn=arn)
            if execution["status"] != "RUNNING":
                return execution
            time.sleep(POLL_SECONDS)


def _check_counts(design: str, images: int, executions: list[dict]) -> None:
    for execution in executions:
        if execution["status"] != "SUCCEEDED":
            raise SystemExit(f"{design}: {execution['error']}: {execution['cause']}")
    counts = [json.loads(execution["output"])["counts"] for execution in executions]
    submitted, failed = (sum(c[name] for c in counts) for name in ("submitted", "failed"))
    if (submitted, failed) != (images, 0):
        raise SystemExit(f"{design}: {submitted} submitted, {failed} failed of {images}")


def _run(design: str, images: int, executions: list[dict]) -> Run:
    begun = min(execution["startDate"] for execution in executions)
    ended = max(execution["stopDate"] for execution in executions)
    return Run(design, images, (ended - begun).total_seconds(), executions)
