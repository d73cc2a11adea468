"""`python -m scripts.monitor baseline`: what later images are held against."""

import argparse
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from model.serving.classifier import Classifier, ModelError
from monitoring import embedding, load, model_monitor, rows, sources, table
from monitoring.records import Images
from monitoring.rules import Rules
from monitoring.span import Span
from service import config, datasets, terminal
from service.hosting import Hosting
from service.jobs import read_member
from service.keys import BASELINE
from service.labelled_images import LabelledImages
from service.stack import Cloud, Stack, find_stack
from service.storage import split_uri
from service.terminal import UserError

BATCH = 64

ROWS = "baseline.npz"
ROWS_KEPT = 5000
SEED = 0
COLUMNS = ("label", "confidence", *table.FEATURES)


def parser() -> argparse.ArgumentParser:
    """Return the parser of `baseline`."""
    result = terminal.parser(
        "monitor baseline",
        "Take the validation photos of the served model as the baseline; with a source or a span "
        "of time, what was captured.",
        "--since 2026-11-02 --until 2026-11-09",
    )
    load.add_source(result)
    result.add_argument(
        "--dataset",
        metavar="NAME",
        help="whose validation photos (default: the one that the model was trained on)",
    )
    result.add_argument(
        "--output",
        metavar="PLACE",
        help=f"s3://bucket/prefix or a folder (default: {BASELINE} in the service's bucket)",
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
    made = make(frame, origin, model, rules.minimum_images, rules.minimum_effects)
    files = write(sources.client(cloud, place), place, made)
    terminal.say(
        "Baseline", f"{made.images:,} images, mean confidence {frame['confidence'].mean():.4f}"
    )
    for number, file in enumerate(files):
        terminal.say("" if number else "Written", file)


def _captured(arguments: argparse.Namespace) -> tuple[pd.DataFrame, str, str]:
    if arguments.dataset:
        raise terminal.UserError(
            "--dataset names validation photos: leave away the source and span."
        )
    source, model = load.choose(arguments)
    loaded = load.load(source, model, arguments)
    origin = f"captures {Span(arguments.since, arguments.until)} in {source}"
    return loaded.frame, origin, model.name if model else ""


def _validation(
    cloud: Cloud, stack: Stack, arguments: argparse.Namespace
) -> tuple[pd.DataFrame, str, str]:
    if arguments.model and not arguments.model.startswith("s3://"):
        raise terminal.UserError(
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
        raise terminal.UserError(
            f"The endpoint {hosting.endpoint} is not in service. Deploy it: "
            f"python -m scripts.deploy_endpoint --stage {arguments.stage}"
        )
    job = None if arguments.model or arguments.dataset else hosting.served_job()
    if job:
        uri, photos = read_channel(s3, job)
    else:
        uri, photos = read_dataset(s3, stack.bucket, arguments.dataset)
    terminal.say("Photos", uri)
    terminal.say("Model", model)
    frame = validation_table(s3, photos, uri, model)
    if arguments.no_embedding:
        frame = frame[[name for name in frame if not name.startswith(table.EMBEDDING)]]
    return frame, f"validation photos at {uri}", model


@dataclass(frozen=True)
class Baseline:
    """frame: the kept rows' label, confidence, features, probabilities and embeddings.

    images: how many there were. origin: where from, in words. model: the URI of the model that
    answered, or empty where that is not known.
    """

    frame: pd.DataFrame
    statistics: dict
    constraints: dict
    images: int
    origin: str
    model: str


def make(
    frame: pd.DataFrame,
    origin: str,
    model: str,
    minimum_images: int,
    minimum_effects: Mapping[str, float],
) -> Baseline:
    """Return the baseline of a table. UserError if it has fewer rows than `minimum_images`."""
    if len(frame) < minimum_images:
        raise UserError(
            f"{len(frame):,} images are too few for a baseline, which takes at least "
            f"{minimum_images:,} (monitoring.minimum_images in config.yml): {origin}."
        )
    kept = frame
    if len(frame) > ROWS_KEPT:
        kept = frame.sample(ROWS_KEPT, random_state=SEED)
    return Baseline(
        frame=kept.reset_index(drop=True),
        statistics=model_monitor.statistics(frame),
        constraints=model_monitor.constraints(frame, minimum_effects),
        images=len(frame),
        origin=origin,
        model=model,
    )


def write(s3, place: str, baseline: Baseline) -> list[str]:
    """Write the baseline's three files to an S3 prefix or a folder; return where they lie.

    The rows come last: whoever finds them finds a whole baseline.
    """
    return [
        sources.put_file(s3, place, name, body, content_type)
        for name, body, content_type in (
            (model_monitor.STATISTICS, _json(baseline.statistics), "application/json"),
            (model_monitor.CONSTRAINTS, _json(baseline.constraints), "application/json"),
            (ROWS, _rows(baseline), "application/octet-stream"),
        )
    ]


def read(s3, place: str) -> Baseline | None:
    """Return the baseline at a place, or None where there is none. UserError if it is broken."""
    rows = sources.get_file(s3, place, ROWS)
    if rows is None:
        return None
    try:
        with np.load(io.BytesIO(rows), allow_pickle=False) as arrays:
            columns = {name: arrays[name] for name in COLUMNS}
            classes = [str(name) for name in arrays["classes"]]
            columns |= _spread(table.PROBABILITY, classes, arrays["probabilities"])
            columns |= _spread(table.EMBEDDING, None, arrays["embeddings"])
            about = json.loads(str(arrays["about"]))
        statistics, constraints = (
            json.loads(sources.get_file(s3, place, name) or b"")
            for name in (model_monitor.STATISTICS, model_monitor.CONSTRAINTS)
        )
        model_monitor.minimum_effects(constraints)
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise UserError(
            f"The baseline at {place} cannot be read ({error}); make it anew."
        ) from None
    return Baseline(pd.DataFrame(columns), statistics, constraints, **about)


def _json(content: dict) -> bytes:
    return (json.dumps(content, indent=2) + "\n").encode()


def _rows(baseline: Baseline) -> bytes:
    classes, probabilities = table.probabilities(baseline.frame)
    about = {"images": baseline.images, "origin": baseline.origin, "model": baseline.model}
    numbers = ("confidence", *table.FEATURES)
    file = io.BytesIO()
    np.savez_compressed(
        file,
        label=baseline.frame["label"].to_numpy(dtype=str),
        **{name: baseline.frame[name].to_numpy(dtype=np.float32) for name in numbers},
        classes=np.array(classes, dtype=str),
        probabilities=probabilities,
        embeddings=table.embeddings(baseline.frame),
        about=np.array(json.dumps(about)),
    )
    return file.getvalue()


def _spread(prefix: str, names: list[str] | None, matrix: np.ndarray) -> dict[str, np.ndarray]:
    names = names or [str(number) for number in range(matrix.shape[1])]
    return {f"{prefix}{name}": column for name, column in zip(names, matrix.T, strict=True)}


def place_in(bucket: str) -> str:
    """Return where a stage's baseline lies."""
    return f"s3://{bucket}/{BASELINE}"


def read_channel(s3, job: dict) -> tuple[str, LabelledImages]:
    """Return where a training job's validation photos lie, and the photos."""
    for channel in job["InputDataConfig"]:
        if channel["ChannelName"] == "validation":
            uri = f"{channel['DataSource']['S3DataSource']['S3Uri'].rstrip('/')}/data.npz"
            return uri, _read_photos(s3, uri)
    raise UserError(f"The training job {job['TrainingJobName']} had no validation photos.")


def read_dataset(s3, bucket: str, name: str | None) -> tuple[str, LabelledImages]:
    """Return where the validation photos of a dataset lie, the newest if none is named."""
    found = datasets.find(s3, bucket, name)["name"]
    uri = f"{datasets.arrays_uri(bucket, found, 'validation')}data.npz"
    return uri, _read_photos(s3, uri)


def validation_table(s3, photos: LabelledImages, uri: str, model_data: str) -> pd.DataFrame:
    """Return the photos' table; `uri` is where they lie, model_data where the model.tar.gz does."""
    with TemporaryDirectory() as place:
        folder = Path(place)
        for name in ("model.onnx", "classes.json"):
            (folder / name).write_bytes(read_member(s3, model_data, name))
        try:
            classifier = Classifier(folder)
        except ModelError as error:
            raise UserError(f"The model in {model_data} cannot be used: {error}") from error
        model = embedding.read(folder)
    count, height, width, _ = photos.images.shape
    if (height, width) != (classifier.side, classifier.side):
        raise UserError(
            f"The photos at {uri} have {width} x {height} pixels, the model takes "
            f"{classifier.side} x {classifier.side}: it was trained on others."
        )
    probabilities = np.concatenate(
        [classifier(photos.images[start : start + BATCH]) for start in range(0, count, BATCH)]
    )
    gatherer = rows.Gatherer(embedding.Embedder(model.graph) if model.graph else None)
    seen = Images(photos.images, width, height, photos.images if model.graph else None)
    names = [str(name) for name in photos.names]
    gatherer.add(0, names, (uri, 0), tuple(classifier.classes), probabilities, seen)
    return rows.to_frame([gatherer.finish()])


def _read_photos(s3, uri: str) -> LabelledImages:
    bucket, key = split_uri(uri)
    body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
        return LabelledImages(arrays["images"], arrays["labels"], arrays["names"])
