"""Three designs of the workflow, run over the same images on the deployed service."""

import itertools
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import yaml

from service import datasets, keys, storage
from service.stack import Cloud, Stack

COURSE = Path(__file__).with_name("course.asl.yml")
FUNCTIONS = {
    "SERIALIZE": "serializeImageData",
    "CLASSIFY": "classifyImage",
    "FILTER": "filterLowConfidence",
}
OBJECTS = 2000
PREFIX = "benchmarks/workflow/"
BATCH = 500  # statemachine/batch.schema.json takes no more
STARTING_THREADS = 8
# Executions at once: the course's design does not try again where Lambda throttles, and each of
# classify's is up to classify.max_concurrency calls, which here wait for a handful of environments.
COURSE_AT_ONCE, BATCHES_AT_ONCE = 250, 4
POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Run:
    """Executions over images, as DescribeExecution tells of them."""

    design: str
    images: int
    executions: list[dict]

    @property
    def seconds(self) -> float:
        """From the first start to the last end."""
        begun = min(execution["startDate"] for execution in self.executions)
        ended = max(execution["stopDate"] for execution in self.executions)
        return (ended - begun).total_seconds()

    @property
    def images_per_second(self) -> float:
        """Throughput."""
        return self.images / self.seconds


def put_objects(s3, bucket: str) -> list[str]:
    """Return the keys of OBJECTS copies of the newest dataset's photos, each as often as needed."""
    name = datasets.find(s3, bucket)["name"]
    photos = sorted(storage.listing(s3, bucket, f"{keys.DATASETS}{name}/images/"))
    wanted = {f"{PREFIX}{n:04}.png": photos[n % len(photos)] for n in range(OBJECTS)}
    missing = sorted(wanted.keys() - storage.listing(s3, bucket, PREFIX).keys())

    def copy(key: str) -> None:
        s3.copy_object(Bucket=bucket, Key=key, CopySource={"Bucket": bucket, "Key": wanted[key]})

    with ThreadPoolExecutor(storage.THREADS) as pool:
        list(pool.map(copy, missing))
    return sorted(wanted)


class Designs:
    """The designs by name; each classifies so many images, taken in turn from `objects`."""

    def __init__(self, cloud: Cloud, stack: Stack, objects: list[str]):
        self._cloud, self._stack, self._objects = cloud, stack, objects
        self._states = cloud.client("stepfunctions", connections=STARTING_THREADS)
        self._course: str | None = None
        self.by_name: dict[str, Callable[[int], Run]] = {
            "course": self.course,
            "classify": self.classify,
            "classifyBulk": self.classify_bulk,
        }

    def course(self, images: int) -> Run:
        """An execution an image, three tasks in a row, which fails where one is left to review."""
        if self._course is None:
            self._course = self._create_course()
        inputs = [
            {"s3_bucket": self._stack.bucket, "s3_key": key, "image_data": ""}
            for key in self._take(images)
        ]
        executions = self._run(self._course, inputs, COURSE_AT_ONCE)
        errors = {execution.get("error") for execution in executions}
        if errors - {None, "THRESHOLD_CONFIDENCE_NOT_MET"}:
            raise SystemExit(f"course: {errors}")
        return Run("course", images, executions)

    def classify(self, images: int) -> Run:
        """Batches of 500, four at once."""
        entries = [{"s3_key": key} for key in self._take(images)]
        inputs = [{"images": entries[start : start + BATCH]} for start in range(0, images, BATCH)]
        return Run("classify", images, self._run(self._stack.state_machine, inputs))

    def classify_bulk(self, images: int) -> Run:
        """One run; an image listed again is classified again."""
        body = "".join(json.dumps({"s3_key": key}) + "\n" for key in self._take(images))
        manifest = {"s3_bucket": self._stack.bucket, "s3_key": f"{keys.MANIFESTS}benchmark.jsonl"}
        self._cloud.client("s3").put_object(
            Bucket=self._stack.bucket, Key=manifest["s3_key"], Body=body.encode()
        )
        machine = self._stack.bulk_state_machine
        return Run("classifyBulk", images, self._run(machine, [{"manifest": manifest}]))

    def delete(self) -> None:
        """Delete the course's state machine."""
        if self._course is not None:
            self._states.delete_state_machine(stateMachineArn=self._course)

    def _take(self, images: int) -> itertools.islice:
        return itertools.islice(itertools.cycle(self._objects), images)

    def _create_course(self) -> str:
        definition = COURSE.read_text()
        functions = self._cloud.client("lambda")
        for placeholder, name in FUNCTIONS.items():
            name = f"{self._stack.endpoint}-{name}"
            arn = functions.get_function_configuration(FunctionName=name)["FunctionArn"]
            definition = definition.replace(placeholder, arn)
        described = self._states.describe_state_machine(stateMachineArn=self._stack.state_machine)
        return self._states.create_state_machine(
            name=f"{self._stack.endpoint}-course-{time.time_ns()}",
            definition=json.dumps(yaml.safe_load(definition)),
            roleArn=described["roleArn"],
        )["stateMachineArn"]

    def _run(self, machine: str, inputs: list[dict], at_once: int = BATCHES_AT_ONCE) -> list[dict]:
        def start(content: dict) -> str:
            text = json.dumps(content)
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


def require_all(run: Run) -> Run:
    """Return the run of `classify` or `classifyBulk` if none of its photos failed; else end."""
    for execution in run.executions:
        if execution["status"] != "SUCCEEDED":
            raise SystemExit(f"{run.design}: {execution['error']}: {execution['cause']}")
    counts = [json.loads(execution["output"])["counts"] for execution in run.executions]
    submitted, failed = (sum(c[name] for c in counts) for name in ("submitted", "failed"))
    if (submitted, failed) != (run.images, 0):
        raise SystemExit(f"{run.design}: {submitted} submitted, {failed} failed of {run.images}")
    return run
