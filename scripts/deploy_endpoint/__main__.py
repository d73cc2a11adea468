"""Put a trained model behind the stage's SageMaker endpoint.

A model whose own metrics miss the floors of config.yml is refused, and one whose answers the
deployed functions cannot use does not stay.
"""

import base64
import contextlib
import itertools
import json
import sys
import time
from typing import NamedTuple

import click

from handlers import errors
from handlers.photo import to_model_input
from scripts.deploy_endpoint import copies
from service import config, datasets, logs, options, origins, registry, scaling, terminal
from service.hosting import LOG_GROUP, Hosting
from service.jobs import read_member
from service.labelled_images import grey_picture
from service.scaling import Scaling
from service.stack import Cloud, find_stack
from service.terminal import UserError, one_line, print_line

METRICS = "metrics.json"
TRIES = 3
WAIT_SECONDS = 2
TRANSIENT_ERRORS = {  # errors that the state machines retry too
    error.__name__
    for error in (errors.EndpointThrottled, errors.EndpointUnavailable, errors.EndpointTimeout)
}


@terminal.command("deploy_endpoint", example="--instance-type ml.c5.large")
@options.stage
@click.option(
    "--model-data",
    type=options.parse_s3_uri,
    metavar="S3_URI",
    help="model.tar.gz (default: the newest completed training job's)",
)
@click.option(
    "--from-stage",
    type=options.parse_stage,
    metavar="STAGE",
    help="take over the model that stands behind that stage's endpoint, in this account and region",
)
@click.option(
    "--image",
    metavar="URI",
    help="serving image in ECR, of this region, repository:tag or repository@digest (default: "
    "the newest that `make push` put into the stack's repository)",
)
@click.option(
    "--instance-type",
    type=options.parse_instance_type,
    metavar="TYPE",
    default=lambda: config.load()["endpoint"]["instance_type"],
    show_default=False,
    help="the endpoint's instances (default: config.yml's)",
)
@click.option(
    "--autoscale",
    type=scaling.parse_bounds,
    metavar="LEAST-MOST",
    help="scale between so many instances by invocations (default: no change)",
)
@click.option("--force", is_flag=True, help="deploy a model below the floors of config.yml too")
@click.option(
    "--delete",
    is_flag=True,
    help="remove the stage's endpoint, its scaling, endpoint configurations and models instead",
)
def main(stage, model_data, from_stage, image, instance_type, autoscale, force, delete):
    """Put the newest trained model behind the stage's endpoint, with Data Capture."""
    if from_stage and model_data:
        raise click.UsageError("Give --from-stage or --model-data, not both.")
    if from_stage == stage:
        raise click.UsageError(f"--from-stage {from_stage} is the stage to deploy to.")
    cloud = Cloud()
    # The endpoint has the name of the stage's stack: it can be deleted when the stack is gone.
    name = config.service_name(stage)
    hosting = Hosting(cloud.client("sagemaker"), name)
    scaled = Scaling(cloud.client("application-autoscaling"), name)
    if delete:
        rest = f"python -m scripts.deploy_endpoint --stage {stage} --delete"
        with terminal.explain_interrupt(
            f"SageMaker ends a deletion that has begun. For the rest: {rest}"
        ):
            scaling.delete_endpoint(hosting, scaled)
        return
    stack = find_stack(cloud, stage)
    settings = config.load()["endpoint"]
    began = time.monotonic()
    s3 = cloud.client("s3")
    if from_stage:
        model_data = copies.copy_model(cloud, from_stage, stack.bucket)
    model_data = model_data or hosting.newest_model(stack.bucket)
    print_line("Model", model_data)
    metrics = read_metrics(s3, model_data)
    if origin := origins.read(s3, model_data):
        print_line("From", origin)
    check_model(metrics, model_data, stage, force)
    image = choose_image(cloud.client("ecr"), stack.serving_repository, image, stage)
    print_line("Image", image)
    logs.keep_log_group(cloud.client("logs"), f"{LOG_GROUP}/{stack.endpoint}")
    scales = scaled.is_set()
    other_type = scales and hosting.instance_type() != instance_type
    with scaled.paused() if other_type else contextlib.nullcontext():
        hosting.roll_out(
            {
                "ExecutionRoleArn": stack.sagemaker_role,
                "PrimaryContainer": {"Image": image, "ModelDataUrl": model_data},
                # The container reads strangers' photos: it gets no credentials and no network.
                "EnableNetworkIsolation": True,
            },
            {"InstanceType": instance_type, "InitialInstanceCount": settings["instance_count"]},
            capture_configuration(stack.bucket, config.load()["capture"]["sampling_percentage"]),
            trial=lambda: classify_sample(cloud, stack.bucket, f"{name}-classifyImage"),
            keep_instance_count=scales,
        )
    took = terminal.duration(time.monotonic() - began)
    print_line("Endpoint", f"{stack.endpoint} on {instance_type}, {took}")
    if autoscale:
        each = settings["invocations_per_minute"]
        scaled.set(autoscale, each)
        print_line("Scaling", f"{autoscale}, {each:,} invocations a minute for each")


def choose_image(ecr, repository: str, image: str | None, stage: str) -> str:
    """Return the serving image by its digest: the named one, or the newest in the repository."""
    if image is None:
        return registry.newest(ecr, repository, stage)
    return registry.resolve(ecr, image, stage)


def check_model(metrics: dict, model_data: str, stage: str, force: bool) -> None:
    """Compare the model with config.yml. UserError for another image size, and below the floors."""
    settings = config.load()
    advice = "train one for that size (python -m scripts.etl, then python -m scripts.train)"
    size, side = settings["image"]["size"], figure(metrics, "image_size")
    datasets.check_image_size(f"{model_data} is for", side, size, advice)
    strangers = find_strangers(metrics, settings["threshold"])
    print_strangers(strangers)
    missed = shortfalls(metrics, strangers, settings["model"]["floors"])
    if not missed:
        print_line("Floors", "met on its test photos")
    elif force:
        terminal.warn(*(f"{reason}; deployed by --force" for reason in missed))
    else:
        raise UserError(
            f"{model_data} is not deployed: {'; '.join(missed)}. Train a better one, or deploy "
            "this one with --force (the floors: model.floors in config.yml)."
        )
    compare_thresholds(metrics, settings["threshold"], stage)


class Strangers(NamedTuple):
    """How many of a model's test strangers are accepted at a threshold; the interval is of 95 %."""

    threshold: float
    accepted: float
    low: float
    high: float
    images: float


def find_strangers(metrics: dict, threshold: float) -> Strangers | None:
    """Return what metrics.json says of test strangers; None where it has none.

    It has a table of thresholds, and the model's own. config.yml's lies between two of them: the
    lower one accepts no fewer. If all are higher, it is the lowest.
    """
    table = (("test", "thresholds", row) for row in itertools.count())
    rows = itertools.takewhile(lambda row: figure(metrics, *row, "threshold") is not None, table)
    own = ("operating_point",)
    measured = []
    for place, result in [(own, (*own, "test")), *((row, row) for row in rows)]:
        names = (("accepted",), ("interval", 0), ("interval", 1), ("images",))
        figures = [figure(metrics, *result, "strangers", *name) for name in names]
        each = [figure(metrics, *place, "threshold"), *figures]
        if None not in each:
            measured.append(Strangers(*each))
    lower = [each for each in measured if each.threshold <= threshold]
    return max(lower) if lower else min(measured, default=None)


def print_strangers(strangers: Strangers | None) -> None:
    """Print the share of strangers that the model accepts, or that metrics.json has none."""
    text = f"not known: {METRICS} has none, and without them a model takes anything for its classes"
    if strangers:
        text = (
            f"{strangers.accepted:.1%} of {strangers.images:,} accepted ({strangers.low:.1%} to "
            f"{strangers.high:.1%}), at a threshold of {strangers.threshold:g}"
        )
    print_line("Strangers", text)


def compare_thresholds(metrics: dict, threshold: float, stage: str) -> None:
    """Print config.yml's threshold and the model's own, and warn where it accepts more."""
    own = figure(metrics, "operating_point", "threshold")
    target = figure(metrics, "operating_point", "precision_target")
    photos = figure(metrics, "validation", "images")
    configured = f"{threshold:g} in config.yml; the model"
    if own is None or target is None or photos is None:
        print_line("Threshold", f"{configured} has none of its own ({METRICS})")
        return
    goal = f"{target * 100:g} %"
    reaches = f"reaches {goal} precision on its {photos:,} validation photos"
    print_line("Threshold", f"{configured}'s own: {own:g} {reaches}")
    if threshold < own:
        terminal.warn(
            f"config.yml's threshold accepts more than the model's own: fewer than {goal} of the "
            f"accepted photos may be right. Write `threshold: {own:g}` into config.yml, then: sls "
            f"deploy --stage {stage}"
        )


def capture_configuration(bucket: str, sampling_percentage: int) -> dict:
    """Return the DataCaptureConfig: requests and answers below `capture/`, answers as JSON."""
    return {
        "EnableCapture": True,
        "InitialSamplingPercentage": sampling_percentage,
        "DestinationS3Uri": f"s3://{bucket}/capture",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        # The answers are JSON; without this they would be kept as base64.
        "CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"]},
    }


def read_metrics(s3, model_data: str) -> dict:
    """Return the metrics.json of a model.tar.gz in S3. UserError where there is none."""
    try:
        return json.loads(read_member(s3, model_data, METRICS))
    except ValueError as error:
        raise UserError(f"{METRICS} in {model_data} is not JSON: {error}") from error


def shortfalls(metrics: dict, strangers: Strangers | None, floors: dict) -> list[str]:
    """Return a sentence for each floor that the model misses on its test photos: by how much.

    A number that metrics.json lacks misses its floor, but for the strangers: a model may know none.
    Where photos are few, chance alone makes a calibration error, and the low end of the interval
    of accepted strangers counts.
    """
    missed, unsaid = [], f"{METRICS} does not say its test"
    accuracy = figure(metrics, "test", "accuracy")
    bound = f"must be at least {floors['accuracy']:g}"
    if accuracy is None:
        missed.append(f"{unsaid} accuracy, which {bound}")
    elif (below := floors["accuracy"] - accuracy) > 0:
        missed.append(f"its accuracy of {accuracy:.4f} is {below:.4f} below the floor: it {bound}")
    calibration = ("test", "expected_calibration_error")
    error, most = figure(metrics, *calibration, "after_temperature"), floors[calibration[-1]]
    name, bound = "expected calibration error", f"must be at most {most:g} above"
    if error is None:
        missed.append(f"{unsaid} {name}, which {bound} chance")
    elif (above := error - (figure(metrics, *calibration, "by_chance") or 0)) > most:
        missed.append(f"its {name} of {error:.4f} is {above:.4f} above chance: it {bound}")
    most = floors["accepted_strangers"]
    if strangers and strangers.low > most:
        missed.append(
            f"it accepts {strangers.accepted:.1%} of the strangers: it must be at most {most:.1%}"
        )
    return missed


def figure(metrics: object, *path: str | int) -> float | None:
    """Return the number at a path of metrics.json, or None where there is no finite number."""
    value: object = metrics
    for name in path:
        try:
            value = value[name]
        except (TypeError, LookupError):
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if abs(value) <= sys.float_info.max else None


def classify_sample(cloud: Cloud, bucket: str, function: str) -> None:
    """Send photos through the deployed function, and print the answers. UserError for an error.

    Functions and model are deployed apart: here it is seen whether they fit, before photos come.
    Beside a photo of a class it is a grey picture: functions of earlier releases can use a model's
    answers to its classes, and not those to a stranger.
    """
    settings, s3 = config.load()["image"], cloud.client("s3")
    size = settings["size"]
    samples = {}
    _, photos = datasets.find_test_photos(s3, bucket, size)
    if key := next(iter(photos.values()), None):
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        samples[f"s3://{bucket}/{key}"] = to_model_input(body, size, settings["max_pixels"])
    samples["a grey picture"] = grey_picture(size)
    for name, png in samples.items():
        answer = call_function(cloud.client("lambda"), function, png)
        confidence = f"{answer['label']}, confidence {answer['confidence']:.4f}"
        print_line("Sample", f"{name}: {confidence}")


def call_function(functions, function: str, png: bytes) -> dict:
    """Return what the function makes of a PNG. UserError for an error, unless a retry helps."""
    payload = json.dumps({"image_data": base64.b64encode(png).decode()})
    for left in reversed(range(TRIES)):
        answer = functions.invoke(FunctionName=function, Payload=payload)
        content = json.loads(answer["Payload"].read())
        if "FunctionError" not in answer:
            return content
        error = content.get("errorType", answer["FunctionError"])
        if error not in TRANSIENT_ERRORS or not left:
            break
        time.sleep(WAIT_SECONDS)
    message = one_line(content.get("errorMessage", "no reason given"), 300)
    raise UserError(f"The function {function} cannot use this model: {error}: {message}")


if __name__ == "__main__":
    terminal.run(main)
