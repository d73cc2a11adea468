"""`python -m scripts.monitor baseline`: what later images are held against."""

import argparse

import pandas as pd

from scripts import cli, config
from scripts.cloud import Cloud, Stack, find_stack
from scripts.hosting import Hosting
from scripts.monitoring import baseline, loading, places, table, validation
from scripts.monitoring.assessment import Rules
from scripts.monitoring.span import Span

PREFIX = "monitoring/baseline/"


def place_in(bucket: str) -> str:
    """Return where a stage's baseline lies."""
    return f"s3://{bucket}/{PREFIX}"


def parser() -> argparse.ArgumentParser:
    """Return the parser of `baseline`."""
    result = cli.parser(
        "monitor baseline",
        "Take the validation photos of the served model as the baseline; with a source or a span "
        "of time, what was captured.",
        "--since 2026-11-02 --until 2026-11-09",
    )
    loading.add_source(result)
    result.add_argument(
        "--dataset",
        metavar="NAME",
        help="whose validation photos (default: the one that the model was trained on)",
    )
    result.add_argument(
        "--output",
        metavar="PLACE",
        help=f"s3://bucket/prefix or a folder (default: {PREFIX} in the service's bucket)",
    )
    return result


def run(arguments: argparse.Namespace) -> None:
    """Make the baseline and write it. UserError where there are too few images."""
    captured = bool(arguments.source or arguments.since or arguments.until)
    cloud = stack = None
    if not (captured and arguments.source and arguments.output):
        cloud = Cloud()
        stack = find_stack(cloud, arguments.stage)
    place = arguments.output or place_in(stack.bucket)
    if captured:
        frame, origin, model = _captured(arguments)
    else:
        frame, origin, model = _validation(cloud, stack, arguments)
    rules = Rules.from_config(config.load())
    made = baseline.make(frame, origin, model, rules.minimum_images, rules.minimum_effects)
    files = baseline.write(places.client(cloud, place), place, made)
    cli.say("Baseline", f"{made.images:,} images, mean confidence {frame['confidence'].mean():.4f}")
    for number, file in enumerate(files):
        cli.say("" if number else "Written", file)


def _captured(arguments: argparse.Namespace) -> tuple[pd.DataFrame, str, str]:
    if arguments.dataset:
        raise cli.UserError("--dataset names validation photos: leave away the source and span.")
    source, model = loading.choose(arguments)
    loaded = loading.load(source, model, arguments)
    origin = f"captures {Span(arguments.since, arguments.until)} in {source}"
    return loaded.frame, origin, model.name if model else ""


def _validation(
    cloud: Cloud, stack: Stack, arguments: argparse.Namespace
) -> tuple[pd.DataFrame, str, str]:
    if arguments.model and not arguments.model.startswith("s3://"):
        raise cli.UserError(
            f"{arguments.model} is not in S3, where a model lies that answers validation photos: "
            "name s3://bucket/model.tar.gz, or captures."
        )
    s3 = cloud.client("s3")
    hosting = Hosting(
        cloud.client("sagemaker"),
        config.service_name(arguments.stage),
        arguments.endpoint or stack.endpoint,
    )
    model = arguments.model or hosting.served_model()
    if model is None:
        raise cli.UserError(
            f"The endpoint {hosting.endpoint} is not in service. Deploy it: "
            f"python -m scripts.deploy_endpoint --stage {arguments.stage}"
        )
    job = None if arguments.model or arguments.dataset else hosting.served_job()
    if job:
        uri, photos = validation.read_channel(s3, job)
    else:
        uri, photos = validation.read_dataset(s3, stack.bucket, arguments.dataset)
    cli.say("Photos", uri)
    cli.say("Model", model)
    frame = validation.table_of(s3, photos, uri, model)
    if arguments.no_embedding:
        frame = frame[[name for name in frame if not name.startswith(table.EMBEDDING)]]
    return frame, f"validation photos at {uri}", model
