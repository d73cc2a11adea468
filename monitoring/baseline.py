"""`python -m scripts.monitor baseline`: what later images are held against."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import click
import numpy as np
import pandas as pd

from monitoring import captures, embedding, files, load, model_change, table
from monitoring.captures import Record
from monitoring.embedding import Network
from monitoring.files import Span
from monitoring.load import Selection
from monitoring.rules import (
    Constraints,
    Rules,
    make_constraints,
    read_constraints,
    write_constraints,
)
from service import config, options, terminal
from service.hosting import Hosting
from service.keys import BASELINE
from service.labelled_images import LabelledImages
from service.stack import Cloud, Stack, find_stack
from service.terminal import UserError

ROWS = "baseline.npz"
CONSTRAINTS = "constraints.json"
ROWS_KEPT = 5000
SEED = 0
COLUMNS = ("label", "confidence", *table.FEATURES)


@terminal.command("baseline", example="--since 2026-11-02 --until 2026-11-09")
@load.select_captures
@click.option(
    "--output",
    metavar="PLACE",
    type=options.PathOrUri(),
    help=f"s3://bucket/prefix or a folder (default: {BASELINE} in the service's bucket)",
)
def main(selection: Selection, output: str | None) -> None:
    """Take the validation photos of the served model as the baseline.

    With a SOURCE (s3://bucket/prefix, a folder or a file) or a span of time: what was captured.
    """
    from_captures = bool(selection.source or selection.since or selection.until)
    cloud = stack = None
    if not (from_captures and selection.source and output):
        cloud = Cloud()
        stack = find_stack(cloud, selection.stage)
    place = output or default_place(stack.bucket)
    if from_captures:
        frame, origin, model = _load_captures(selection)
    else:
        frame, origin, model = _answer_validation(cloud, stack, selection)
    rules = Rules.from_config(config.load())
    baseline = make(frame, origin, model, rules.minimum_images, rules.minimum_effects)
    written = write(files.connect(place, cloud), place, baseline)
    mean = frame["confidence"].mean()
    terminal.print_line("Baseline", f"{baseline.images:,} images, mean confidence {mean:.4f}")
    for number, file in enumerate(written):
        terminal.print_line("" if number else "Written", file)


def _load_captures(selection: Selection) -> tuple[pd.DataFrame, str, str]:
    source, model = load.choose(selection)
    loaded = load.load(source, model, selection)
    frame, notes = model_change.keep_served(loaded.frame, model, source)
    terminal.warn(*notes)
    origin = f"captures {Span(selection.since, selection.until)} in {source}"
    return frame, origin, model.name if model else ""


def _answer_validation(
    cloud: Cloud, stack: Stack, selection: Selection
) -> tuple[pd.DataFrame, str, str]:
    if selection.model:
        raise UserError("--model is for captures: name a source, or --since.")
    s3 = cloud.client("s3")
    endpoint = selection.endpoint or stack.endpoint
    service = config.service_name(selection.stage)
    hosting = Hosting(cloud.client("sagemaker"), service, endpoint)
    model = hosting.served_model()
    if model is None:
        raise UserError(
            f"The endpoint {endpoint} is not in service. Deploy it: "
            f"python -m scripts.deploy_endpoint --stage {selection.stage}"
        )
    job = hosting.served_job()
    if job is None:
        raise UserError(
            f"No training job of {service} made {model}, so that its validation photos are not "
            "known. Take captures as the baseline: --since, --until"
        )
    uri, photos = read_validation(s3, job)
    terminal.print_line("Photos", uri)
    terminal.print_line("Model", model)
    frame = validation_table(s3, photos, uri, model)
    if selection.no_embedding:
        frame = table.without_embeddings(frame)
    return frame, f"validation photos at {uri}", model


@dataclass(frozen=True)
class Baseline:
    """frame: the kept rows' label, confidence, features, probabilities and embeddings.

    images: how many there were. origin: where from, in words. model: the URI of the model that
    answered, or empty where that is not known.
    """

    frame: pd.DataFrame
    constraints: Constraints
    images: int
    origin: str
    model: str

    def __str__(self):
        return f"{self.images:,} images, {self.origin}"


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
    kept = frame.sample(ROWS_KEPT, random_state=SEED) if len(frame) > ROWS_KEPT else frame
    return Baseline(
        frame=kept.reset_index(drop=True),
        constraints=make_constraints(frame, minimum_effects),
        images=len(frame),
        origin=origin,
        model=model,
    )


def write(s3, place: str, baseline: Baseline) -> list[str]:
    """Write the baseline's two files to an S3 prefix or a folder; return where they lie.

    The rows come last: whoever finds them finds a whole baseline.
    """
    constraints = json.dumps(write_constraints(baseline.constraints), indent=2) + "\n"
    return [
        files.write_file(s3, place, CONSTRAINTS, constraints.encode(), "application/json"),
        files.write_file(s3, place, ROWS, _pack(baseline), "application/octet-stream"),
    ]


def read(s3, place: str) -> Baseline | None:
    """Return the baseline at a place, or None where there is none. UserError if it is broken."""
    rows, constraints = (files.read_file(s3, place, name) for name in (ROWS, CONSTRAINTS))
    if rows is None:
        return None
    try:
        frame, about = _unpack(rows)
    except Exception as error:  # zipfile and NumPy have many classes of errors
        raise UserError(
            f"{ROWS} of the baseline at {place} cannot be read ({error}). Make the baseline anew: "
            "python -m scripts.monitor baseline"
        ) from None
    try:
        if constraints is None:
            raise ValueError("there is none")
        return Baseline(frame, read_constraints(json.loads(constraints)), **about)
    except (ValueError, RecursionError) as error:
        raise UserError(
            f"{CONSTRAINTS} of the baseline at {place} cannot be read: {error}. Mend it, or make "
            "the baseline anew: python -m scripts.monitor baseline"
        ) from None


def _pack(baseline: Baseline) -> bytes:
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


def _unpack(rows: bytes) -> tuple[pd.DataFrame, dict[str, Any]]:
    with np.load(io.BytesIO(rows), allow_pickle=False) as arrays:
        columns = {name: arrays[name] for name in COLUMNS}
        classes, vectors = arrays["classes"].tolist(), arrays["embeddings"]
        columns |= table.name_columns(table.PROBABILITY, classes, arrays["probabilities"])
        columns |= table.name_columns(table.EMBEDDING, range(vectors.shape[1]), vectors)
        about = json.loads(str(arrays["about"]))
    return pd.DataFrame(columns), {name: about[name] for name in ("images", "origin", "model")}


def default_place(bucket: str) -> str:
    """Return where a stage's baseline lies."""
    return f"s3://{bucket}/{BASELINE}"


def read_validation(s3, job: dict) -> tuple[str, LabelledImages]:
    """Return where a training job's validation photos lie, and the photos."""
    channels = {channel["ChannelName"]: channel for channel in job["InputDataConfig"]}
    if "validation" not in channels:
        raise UserError(f"The training job {job['TrainingJobName']} had no validation photos.")
    folder = channels["validation"]["DataSource"]["S3DataSource"]["S3Uri"].rstrip("/")
    body = files.read_file(s3, folder, "data.npz")
    if body is None:
        raise UserError(
            f"The validation photos of {job['TrainingJobName']} are gone from {folder}."
        )
    with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
        photos = LabelledImages(arrays["images"], arrays["labels"], arrays["names"])
    return f"{folder}/data.npz", photos


def validation_table(s3, photos: LabelledImages, uri: str, model_data: str) -> pd.DataFrame:
    """Return the photos' table; `uri` is where they lie, model_data where the model.tar.gz does."""
    model = embedding.fetch(s3, model_data)
    classifier = Network(model.whole, "probabilities")
    _, height, width, _ = photos.images.shape
    if (height, width) != (classifier.side, classifier.side):
        raise UserError(
            f"The photos at {uri} have {width} x {height} pixels, the model takes "
            f"{classifier.side} x {classifier.side}: it was trained on others."
        )
    probabilities = classifier(photos.images)
    if probabilities.shape[1] != len(model.classes):
        raise UserError(
            f"The model in {model_data} answers with {probabilities.shape[1]} numbers an image, "
            f"classes.json names {len(model.classes)} classes."
        )
    names = [str(name) for name in photos.names]
    began = datetime.fromtimestamp(0, UTC)
    record = Record(began, names, None, probabilities, photos.images, uri, 0)
    network = Network(model.graph, "embedding") if model.graph else None
    return captures.to_frame([record], model.classes, network)
