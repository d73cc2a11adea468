"""Put a trained model behind the stage's SageMaker endpoint, and try it with one photo.

Before it, the gate: the model's own metrics against the floors of config.yml.
"""

import argparse
import contextlib
import json
import sys
import time
from typing import NamedTuple

from botocore.exceptions import ClientError

from handlers import aws
from handlers.answers import parse_answer
from handlers.photo import to_model_input
from service import config, datasets, keys, logs, registry, scaling, terminal
from service.hosting import LOG_GROUP, Hosting
from service.jobs import read_member
from service.scaling import Scaling
from service.stack import Cloud, Stack, find_stack
from service.terminal import UserError

GATED_METRICS = "metrics.json"


def main(argv: list[str] | None) -> None:
    """Run `python -m scripts.deploy_endpoint`."""
    arguments = _parser().parse_args(argv)
    cloud = Cloud()
    # The endpoint is called as the stage's stack: it can be deleted when the stack is gone.
    name = config.service_name(arguments.stage)
    hosting = Hosting(cloud.client("sagemaker"), name, name)
    scaled = Scaling(cloud.client("application-autoscaling"), name)
    try:
        if arguments.delete:
            scaling.delete_endpoint(hosting, scaled)
        else:
            deploy(cloud, find_stack(cloud, arguments.stage), hosting, scaled, arguments)
    except KeyboardInterrupt:
        raise terminal.Interrupted(
            f"Interrupted. SageMaker goes on with what was begun; to remove it: "
            f"python -m scripts.deploy_endpoint --stage {arguments.stage} --delete"
        ) from None


def deploy(
    cloud: Cloud,
    stack: Stack,
    hosting: Hosting,
    scaled: Scaling,
    arguments: argparse.Namespace,
) -> None:
    """Roll out the model, if it is good enough, and try it."""
    settings = config.load()["endpoint"]
    began = time.monotonic()
    model_data = arguments.model_data or hosting.newest_model(stack.bucket)
    terminal.say("Model", model_data)
    check_model(cloud, model_data, arguments)
    image = choose_image(cloud, stack, arguments)
    terminal.say("Image", image)
    logs.keep_log_group(cloud.client("logs"), f"{LOG_GROUP}/{stack.endpoint}")
    scales = scaled.is_set()
    other_type = scales and hosting.instance_type() != arguments.instance_type
    with scaled.paused() if other_type else contextlib.nullcontext():
        hosting.roll_out(
            {
                "ExecutionRoleArn": stack.sagemaker_role,
                "PrimaryContainer": {"Image": image, "ModelDataUrl": model_data},
                # What reads strangers' photos gets no credentials and reaches nothing.
                "EnableNetworkIsolation": True,
            },
            {
                "InstanceType": arguments.instance_type,
                "InitialInstanceCount": settings["instance_count"],
            },
            capture_configuration(stack.bucket, config.load()["capture"]["sampling_percentage"]),
            keep_instance_count=scales,
        )
    terminal.say(
        "Endpoint",
        f"{stack.endpoint} on {arguments.instance_type}, {time.monotonic() - began:.0f} s",
    )
    if arguments.autoscale:
        scaled.set(arguments.autoscale, settings["invocations_per_minute"])
        terminal.say(
            "Scaling",
            f"{arguments.autoscale}, {settings['invocations_per_minute']:,} invocations a minute "
            "for each",
        )
    try_sample(cloud, stack)


def choose_image(cloud: Cloud, stack: Stack, arguments: argparse.Namespace) -> str:
    """Return the serving image by its digest: the one named, or the newest that was pushed."""
    ecr = cloud.client("ecr")
    if arguments.image is not None:
        return registry.resolve(ecr, arguments.image, arguments.stage)
    return registry.newest(ecr, stack.serving_repository, arguments.stage)


def check_model(cloud: Cloud, model_data: str, arguments: argparse.Namespace) -> None:
    """Say how good the model is. UserError if it is not for this stage, or not good enough."""
    metrics = read_metrics(cloud.client("s3"), model_data)
    settings = config.load()
    check_image_size(metrics, model_data, settings["image"]["size"])
    check_floors(metrics, model_data, arguments.force)
    own = own_threshold(metrics)
    terminal.say("Threshold", f"{settings['threshold']:g} in config.yml; the model's own: {own}")
    if own.value is not None and settings["threshold"] < own.value:
        terminal.warn(
            f"config.yml's threshold accepts more than the model's own: fewer than "
            f"{own.precision_target * 100:g} % of what is accepted may be right. Write `threshold: "
            f"{own.value:g}` into config.yml, then: sls deploy --stage {arguments.stage}"
        )


def check_floors(metrics: dict, model_data: str, force: bool) -> None:
    """Say whether the model meets the floors. UserError if not, unless it is forced."""
    missed = shortfalls(metrics, config.load()["model"]["floors"])
    if not missed:
        terminal.say("Floors", "met on its test photos")
    elif force:
        terminal.warn(*(f"{reason}; deployed by --force" for reason in missed))
    else:
        raise terminal.UserError(
            f"{model_data} is not deployed: {'; '.join(missed)}. Train a better one, or deploy "
            "this one all the same with --force (the floors: model.floors in config.yml)."
        )


def capture_configuration(bucket: str, sampling_percentage: int) -> dict:
    """Return the DataCaptureConfig: requests and answers below `capture/`, answers readable."""
    return {
        "EnableCapture": True,
        "InitialSamplingPercentage": sampling_percentage,
        "DestinationS3Uri": f"s3://{bucket}/capture",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        # Of the two only the answers are JSON; without this they would be kept as base64.
        "CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"]},
    }


def try_sample(cloud: Cloud, stack: Stack) -> None:
    """Send the first test photo of the newest dataset of the size, and print the answer."""
    s3 = cloud.client("s3")
    image = config.load()["image"]
    size = image["size"]
    name = datasets.newest(s3, stack.bucket, size)
    if name is None:
        terminal.say("Sample", f"none: {stack.bucket} holds no dataset of {size}-pixel photos")
        return
    prefix = f"{keys.DATASETS}{name}/images/test/"
    photos = s3.list_objects_v2(Bucket=stack.bucket, Prefix=prefix, MaxKeys=1).get("Contents")
    if not photos:
        terminal.say("Sample", f"none: the dataset {name} in {stack.bucket} has no test photos")
        return
    photo = photos[0]
    body = s3.get_object(Bucket=stack.bucket, Key=photo["Key"])["Body"].read()
    runtime = cloud.client("sagemaker-runtime")
    png = to_model_input(body, size, image["max_pixels"])
    answer = parse_answer(aws.invoke_endpoint(runtime, stack.endpoint, png))
    terminal.say("Sample", f"s3://{stack.bucket}/{photo['Key']}")
    terminal.say("Answer", f"{answer.label}, confidence {answer.confidence:.4f}")


class Threshold(NamedTuple):
    """The threshold that a model's training chose, and by how many validation photos.

    value: None where no threshold reaches the target on them, or the metrics do not say.
    """

    value: float | None
    precision_target: float
    photos: int

    def __str__(self):
        if not self.photos:
            return f"{GATED_METRICS} does not say"
        value = "none" if self.value is None else f"{self.value:g}"
        return (
            f"{value} reaches {self.precision_target * 100:g} % precision on its {self.photos:,} "
            "validation photos"
        )


def read_metrics(s3, model_data: str) -> dict:
    """Return the metrics.json of a model.tar.gz in S3. UserError where there is none."""
    try:
        return json.loads(read_member(s3, model_data, GATED_METRICS))
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("NoSuchKey", "NoSuchBucket"):
            raise
        raise UserError(f"There is no model at {model_data}.") from error
    except ValueError as error:
        raise UserError(f"{GATED_METRICS} in {model_data} is not JSON: {error}") from error


def check_image_size(metrics: dict, model_data: str, size: int) -> None:
    """Raise UserError for a model of photos of another size than config.yml's."""
    of_model = _whole(_member(metrics, "image_size"))
    if of_model != size:
        sides = f"photos of {of_model} pixels a side" if of_model else "photos of no stated size"
        raise UserError(
            f"{model_data} is for {sides}, and image.size in config.yml is {size}: train one for "
            "that size (python -m scripts.etl, then python -m scripts.train)."
        )


def own_threshold(metrics: dict) -> Threshold:
    """Return the threshold that the model's training chose, of no photos if a figure is odd."""
    point = _member(metrics, "operating_point")
    target = _number(_member(point, "precision_target"))
    photos = _whole(_member(_member(metrics, "validation"), "images")) or 0
    written = _member(point, "threshold")
    value = _number(written)
    none_reaches = isinstance(point, dict) and "threshold" in point and written is None
    if target is None or photos < 1 or (value is None and not none_reaches):
        return Threshold(None, 0.0, 0)
    return Threshold(value, target, photos)


def shortfalls(metrics: dict, floors: dict) -> list[str]:
    """Return a sentence for each floor that the model's test rows miss: which, and by how much.

    metrics: what train.py writes to metrics.json; floors: `accuracy`, at least this much, and
    `expected_calibration_error`, at most. A figure that is missing is a shortfall too.
    """
    test = _member(metrics, "test")
    accuracy = _member(test, "accuracy")
    error = _member(_member(test, "expected_calibration_error"), "after_temperature")
    return [
        *_missed("accuracy", accuracy, floors["accuracy"], at_least=True),
        *_missed(
            "expected calibration error",
            error,
            floors["expected_calibration_error"],
            at_least=False,
        ),
    ]


def _missed(name: str, value: object, floor: float, *, at_least: bool) -> list[str]:
    bound = f"{'at least' if at_least else 'at most'} {floor:g}"
    value = _number(value)
    if value is None:
        return [
            f"{GATED_METRICS} does not say its {name} on the test photos, which must be {bound}"
        ]
    short = floor - value if at_least else value - floor
    if short <= 0:
        return []
    side = "below" if at_least else "above"
    return [f"its {name} of {value:.4f} is {short:.4f} {side} the floor: it must be {bound}"]


def _number(value: object) -> float | None:
    """Return a finite number as it is, and None for anything else: true, NaN, "0.97"."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if abs(value) <= sys.float_info.max else None


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _member(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None


def _parser():
    parser = terminal.parser(
        "deploy_endpoint",
        "Put the newest trained model behind the stage's endpoint, with Data Capture.",
        "--instance-type ml.c5.large",
    )
    parser.add_argument(
        "--model-data",
        type=terminal.s3_uri,
        metavar="S3_URI",
        help="model.tar.gz (default: the newest completed training job's)",
    )
    parser.add_argument(
        "--image",
        metavar="URI",
        help="serving image in ECR, of this region, repository:tag or repository@digest (default: "
        "the newest that `make push` put into the stack's repository)",
    )
    parser.add_argument(
        "--instance-type",
        metavar="TYPE",
        default=config.load()["endpoint"]["instance_type"],
        help="default: %(default)s",
    )
    parser.add_argument(
        "--autoscale",
        type=scaling.bounds,
        metavar="LEAST-MOST",
        help="scale between so many instances by invocations (default: as it is)",
    )
    parser.add_argument(
        "--force", action="store_true", help="deploy a model below the floors of config.yml too"
    )
    parser.add_argument(
        "--delete",
        action="store_true",
        help="remove the stage's endpoint, its scaling, endpoint configurations and models instead",
    )
    return parser


if __name__ == "__main__":
    terminal.run(main)
