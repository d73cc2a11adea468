"""What so many images would use in each of four designs, from measured rates."""

import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from scripts import config
from scripts.costs import rules, transitions
from scripts.costs.amounts import Function, Instances, Usage

RATES = Path(__file__).with_name("rates.yml")
CLASSIFY_BATCH = 500  # statemachine/batch.schema.json takes no more
TRANSFORM_STARTUP_SECONDS = 300  # a machine, its image and the model: some minutes
TRANSFORM_TYPE = "ml.m5.large"  # two cores like ml.c5.large, which Batch Transform does not offer
RESULT_FILES = 2  # of a run of classifyBulk: those that succeeded, and the writer's manifest


@dataclass(frozen=True)
class Plan:
    """A design, what it would use, how long it would take, and what it does about the images."""

    name: str
    usage: Usage
    seconds: float
    remark: str


@cache
def rates() -> dict:
    """Return rates.yml: seconds and throughput as they were measured."""
    return yaml.safe_load(RATES.read_text())


@cache
def memory_sizes() -> dict[str, int]:
    """Return the functions' memory in MB, as serverless.yml gives it."""
    service = yaml.safe_load((config.ROOT / "serverless.yml").read_text())
    return {name: function["memorySize"] for name, function in service["functions"].items()}


def plans(images: int, batch_size: int, architecture: str) -> list[Plan]:
    """Return the four designs for that many images."""
    return [
        course(images, architecture),
        classify(images, architecture),
        classify_bulk(images, batch_size, architecture),
        batch_transform(images),
    ]


def course(images: int, architecture: str) -> Plan:
    """The original course's: three tasks in a row, an execution for each image."""
    usage = Usage(
        images=images,
        transitions=transitions.of_course(images),
        functions=_functions("course", images, images, architecture),
        s3_gets=images,
        endpoint_gb=_endpoint_gb(images),
        instances=_endpoint("course", images),
    )
    return Plan("course", usage, usage.instances.seconds, "an execution an image")


def classify(images: int, architecture: str) -> Plan:
    """`classify` in the largest batches that it takes; what is not accepted goes to review."""
    accepted = round(images * rates()["accepted_share"])
    batches = math.ceil(images / CLASSIFY_BATCH)
    usage = Usage(
        images=images,
        transitions=transitions.of_classify(accepted, images - accepted, 0, batches),
        functions=_functions("classify", images, images, architecture),
        s3_gets=images,
        endpoint_gb=_endpoint_gb(images),
        instances=_endpoint("classify", images),
    )
    return Plan("classify", usage, usage.instances.seconds, f"batches of {CLASSIFY_BATCH}")


def classify_bulk(images: int, batch_size: int, architecture: str) -> Plan:
    """`classifyBulk`: one run, batches of that size."""
    batches = math.ceil(images / batch_size)
    functions = _functions("classifyBulk", images, batches, architecture)
    seconds = sum(function.seconds for function in functions.values())
    usage = Usage(
        images=images,
        transitions=transitions.of_classify_bulk(batches),
        express_requests=batches,
        express_gb_seconds=rules.express_gb_seconds(batches, seconds),
        functions=functions,
        s3_gets=images + batches + 1 + RESULT_FILES,
        s3_puts=batches + RESULT_FILES,
        endpoint_gb=_endpoint_gb(images),
        instances=_endpoint("classifyBulk", images),
    )
    return Plan("classifyBulk", usage, usage.instances.seconds, f"batches of {batch_size}")


def batch_transform(images: int) -> Plan:
    """SageMaker Batch Transform: a request to the model and a file of results for each photo.

    It has no filter and tells nobody; photos must have the model's size already.
    https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform.html
    """
    seconds = TRANSFORM_STARTUP_SECONDS + images / rates()["transform_images_per_second"]
    usage = Usage(
        images=images,
        s3_gets=images,
        s3_puts=images,
        instances=Instances(TRANSFORM_TYPE, 1, seconds, stand=False),
    )
    return Plan("Batch Transform", usage, seconds, "no filter, tells nobody")


def _functions(
    design: str, images: int, invocations: int, architecture: str
) -> dict[str, Function]:
    milliseconds = rates()["designs"][design]["lambda_ms_per_image"]
    return {
        name: Function(
            requests=invocations,
            seconds=images * each / 1000,
            memory_mb=memory_sizes()[name],
            architecture=architecture,
        )
        for name, each in milliseconds.items()
    }


def _endpoint_gb(images: int) -> float:
    return rules.endpoint_gb(images, config.load()["image"]["size"])


def _endpoint(design: str, images: int) -> Instances:
    endpoint = config.load()["endpoint"]
    seconds = images / rates()["designs"][design]["images_per_second"]
    return Instances(endpoint["instance_type"], endpoint["instance_count"], seconds, stand=True)
