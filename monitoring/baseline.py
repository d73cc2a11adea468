"""`python -m scripts.monitor baseline`: what later photos are held against, and by which rules.

A baseline is two files: the rows of its photos, and constraints.json, which holds the effect that
matters of each property: `{"minimum_effects": {"confidence": 0.02, ...}}`. People may edit it: what
it does not name is not judged.
"""

import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from monitoring import captures, drift, embedding, files, load, table
from monitoring.captures import Record
from monitoring.load import Selection
from service import config, datasets, origins, storage, terminal
from service.keys import BASELINE
from service.labelled_images import LabelledImages
from service.terminal import UserError

ROWS = "baseline.parquet"
CONSTRAINTS = "constraints.json"
ROWS_KEPT = 5000
SEED = 0
MAKE_BASELINE = "python -m scripts.monitor baseline"


@dataclass(frozen=True)
class Rules:
    """What config.yml says: `monitoring`, the filter's threshold, the alarm on review."""

    minimum_images: int
    level: float
    minimum_effects: Mapping[str, float]  # by property, and of accuracy
    review_share: float
    threshold: float

    @classmethod
    def from_config(cls, config: dict) -> "Rules":
        """Read config.yml's content."""
        section = config["monitoring"]
        effects = section["minimum_effects"]
        names = (*drift.PROPERTIES, "accuracy")
        return cls(
            minimum_images=section["minimum_images"],
            level=section["level"],
            minimum_effects={name: effects.get(name, effects["feature"]) for name in names},
            review_share=config["alarms"]["review_share"],
            threshold=config["threshold"],
        )


@dataclass(frozen=True)
class Baseline:
    """frame: the kept rows' label, confidence, features, probabilities and embeddings.

    minimum_effects: the effect that matters by property, as constraints.json has it. images: how
    many photos there were. origin: where from, in words. model: the URI of the model that answered,
    or empty where that is not known.
    """

    frame: pd.DataFrame
    minimum_effects: Mapping[str, float]
    images: int
    origin: str
    model: str

    def __str__(self):
        return f"{self.images:,} photos, {self.origin}"


@terminal.command("baseline", example="--since 2026-11-02 --until 2026-11-09")
@load.select_captures
@load.place_option(
    "--output", help=f"s3://bucket/prefix or a folder (default: {BASELINE} in the service's bucket)"
)
def main(selection: Selection, output: str | None) -> None:
    """Take the validation photos of the served model as the baseline.

    With a SOURCE (s3://bucket/prefix, a folder or a file) or a span of time: what was captured.
    """
    place = output or f"s3://{selection.stack.bucket}/{BASELINE}"
    if selection.source or selection.span != files.ANY_TIME:
        loaded = selection.load()
        model = selection.model.name if selection.model else ""
        frame, notes = captures.keep_served(loaded.frame, selection.model)
        terminal.warn(*notes)
        origin = f"captures {selection.span} in {selection.place}"
    else:
        frame, origin, model = _answer_validation(selection)
    baseline = make(frame, origin, model, Rules.from_config(config.load()))
    written = write(place, baseline)
    mean = frame["confidence"].mean()
    terminal.print_line("Baseline", f"{baseline.images:,} photos, mean confidence {mean:.4f}")
    for number, file in enumerate(written):
        terminal.print_line("" if number else "Written", file)


def _answer_validation(selection: Selection) -> tuple[pd.DataFrame, str, str]:
    """Return the table of the served model's validation photos, its origin, and the model's URI."""
    s3, model = selection.cloud.client("s3"), selection.hosting.served_model()
    if model is None:
        raise UserError(
            f"The endpoint {selection.stack.endpoint} is not in service. Deploy it: "
            f"python -m scripts.deploy_endpoint --stage {selection.stage}"
        )
    uri, photos = read_validation(s3, model, selection.hosting.served_job())
    terminal.print_line("Photos", uri)
    terminal.print_line("Model", model)
    frame = validation_table(s3, photos, uri, model)
    if selection.no_embedding:
        frame = table.without_embeddings(frame)
    return frame, f"validation photos at {uri}", model


def read_validation(s3, model: str, job: dict | None) -> tuple[str, LabelledImages]:
    """Return where the validation photos of a model lie, and the photos.

    job: describes the training job that made it, unless the model came from another stage. Raises
    UserError where they are not known or gone.
    """
    inputs = job["InputDataConfig"] if job else ()
    channels = {channel["ChannelName"]: channel["DataSource"] for channel in inputs}
    if "validation" in channels:
        folder = channels["validation"]["S3DataSource"]["S3Uri"]
    elif (origin := origins.read(s3, model)) and origin.dataset:
        folder = datasets.arrays_uri(storage.split_uri(model)[0], origin.dataset, "validation")
    else:
        raise UserError(
            f"No training job of this stage made {model}, so that its validation photos are not "
            "known. Take captures as the baseline: --since, --until"
        )
    uri = f"{folder.rstrip('/')}/data.npz"
    body = storage.read(s3, *storage.split_uri(uri))
    if body is None:
        raise UserError(f"The model's validation photos are gone: {uri}.")
    with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
        return uri, LabelledImages(arrays["images"], arrays["labels"], arrays["names"])


def validation_table(s3, photos: LabelledImages, uri: str, model_uri: str) -> pd.DataFrame:
    """Return the photos' table; `uri` is where they lie, `model_uri` the model.tar.gz."""
    model = embedding.fetch(s3, model_uri)
    names = [str(name) for name in photos.names]
    never = datetime.fromtimestamp(0, UTC)
    record = Record(never, names, model.classes, model.answer(photos.images), photos.images)
    return captures.to_frame([(0, record)], uri, model)


def make(frame: pd.DataFrame, origin: str, model: str, rules: Rules) -> Baseline:
    """Return the baseline of a table. UserError if it has too few rows."""
    if len(frame) < rules.minimum_images:
        raise UserError(
            f"{len(frame):,} photos are too few for a baseline, which takes at least "
            f"{rules.minimum_images:,} (monitoring.minimum_images in config.yml): {origin}."
        )
    kept = frame.sample(ROWS_KEPT, random_state=SEED) if len(frame) > ROWS_KEPT else frame
    kept = kept.drop(columns=["time", "image_id", *table.PLACE], errors="ignore")
    effects = {name: rules.minimum_effects[name] for name in drift.list_properties(frame)}
    return Baseline(kept.reset_index(drop=True), effects, len(frame), origin, model)


def write(place: str, baseline: Baseline) -> list[str]:
    """Write the baseline's two files to an S3 prefix or a folder; return where they lie.

    The rows come last: whoever finds them finds a whole baseline.
    """
    frame, rows = baseline.frame.copy(), io.BytesIO()
    frame.attrs = {"images": baseline.images, "origin": baseline.origin, "model": baseline.model}
    frame.to_parquet(rows, index=False)
    constraints = json.dumps({"minimum_effects": baseline.minimum_effects}, indent=2) + "\n"
    written = [f"{place.rstrip('/')}/{name}" for name in (CONSTRAINTS, ROWS)]
    files.write(written[0], constraints.encode(), "application/json")
    files.write(written[1], rows.getvalue(), "application/vnd.apache.parquet")
    return written


def read(place: str) -> Baseline | None:
    """Return the baseline at a place, or None where there is none. UserError if it is broken."""
    rows, constraints = (files.read(f"{place.rstrip('/')}/{n}") for n in (ROWS, CONSTRAINTS))
    if rows is None:
        return None
    name = ROWS
    try:
        frame = pd.read_parquet(io.BytesIO(rows))
        about = {name: frame.attrs[name] for name in ("images", "origin", "model")}
        name = CONSTRAINTS
        if constraints is None:
            raise ValueError("there is none")
        return Baseline(frame, read_constraints(constraints), **about)
    except Exception as error:  # PyArrow has many classes of errors
        raise UserError(
            f"{name} of the baseline at {place} cannot be read: {error}. Mend it, or make the "
            f"baseline anew: {MAKE_BASELINE}"
        ) from None


def read_constraints(body: bytes) -> dict[str, float]:
    """Return constraints.json's minimum effects. ValueError says what is wrong with it."""
    content = json.loads(body)
    effects = content.get("minimum_effects") if isinstance(content, dict) else None
    if not isinstance(effects, dict):
        raise ValueError("it has no minimum_effects by property")
    for name, effect in effects.items():
        if name not in drift.PROPERTIES:
            raise ValueError(f"it names {name!r}, which is none of {', '.join(drift.PROPERTIES)}")
        if type(effect) not in (int, float) or not 0 <= effect < math.inf:
            raise ValueError(f"{name} is {effect!r}, not a number of 0 or more")
    return effects
