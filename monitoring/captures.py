"""Data Capture's records of a span of time as one table.

A record is what the endpoint was asked, a PNG or an array of photos, and what it answered:
`{"classes": [...], "inferences": [[...], ...]}`. What cannot be read is listed; the rest is read.
"""

import base64
import io
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
from PIL import Image

from monitoring import table
from monitoring.embedding import Model, Network
from monitoring.files import (
    ANY_TIME,
    Span,
    Unreadable,
    connect,
    list_files,
    read_lines,
    read_records,
)
from service import config, storage, terminal

NPY, PNG = "application/x-npy", "image/png"
CENTURY = range(2000, 2100)  # pandas and matplotlib have no dates of all years
SUM_TOLERANCE = 0.001
PIXEL_BYTES = 4 * 1024**2  # held until features and embeddings are computed of many photos at once
THREADS = min(storage.THREADS, 2 * (os.cpu_count() or 1))  # a thread also waits for S3


class RecordError(ValueError):
    """A record that cannot be read; the message says why."""


@dataclass(frozen=True)
class Loaded:
    """What captures hold.

    frame: a row a photo, as `table` says, by time; records of the same inference id are all kept.
    unreadable: what could not be read. files: how many there are in the span's folders. records:
    those of the span, the unreadable ones not counted.
    """

    frame: pd.DataFrame
    unreadable: list[Unreadable]
    files: int
    records: int


class Record(NamedTuple):
    """One invocation of N photos: `probabilities` are float32 N x C, pixels uint8 N x H x W x 3.

    image_ids: the inference id, or else the event id; photos of an array are numbered.
    """

    time: datetime
    image_ids: list[str]
    classes: list[str]
    probabilities: np.ndarray
    pixels: np.ndarray


def load(
    source: str,
    since: datetime | None = None,
    until: datetime | None = None,
    *,
    model: Model | None = None,
    s3=None,
) -> Loaded:
    """Read the captures from `since` until just before `until` (None is open).

    source: `s3://bucket/prefix`, or a folder or file. model: gives embeddings, if it has any. s3:
    the client that reads the source (default: one for where the environment points to). Only
    numbers are kept of the photos, so that memory grows with the table alone. Raises UserError for
    a path that does not exist.
    """
    s3 = s3 or connect(source)
    span = Span(since, until)
    network = Network(model.graph, "embedding") if model and model.graph else None
    files = list_files(source, span, s3)
    frames: list[pd.DataFrame] = []
    unreadable: list[Unreadable] = []
    records = 0
    read = partial(_read_file, s3=s3, span=span, network=network)
    parts = storage.map_ahead(read, files, THREADS)
    for part in terminal.track(parts, "Load", len(files), "files"):
        frames += part[0]
        unreadable += part[1]
        records += part[2]
    return Loaded(table.join(frames), unreadable, len(files), records)


def _read_file(
    file: str, s3, span: Span, network: Network | None
) -> tuple[list[pd.DataFrame], list[Unreadable], int]:
    """Return the file's records as tables, what could not be read, and how many records could."""
    frames: list[pd.DataFrame] = []
    unreadable: list[Unreadable] = []
    batch: list[tuple[int, Record]] = []
    records = size = 0
    for line, record in read_records(file, s3, partial(parse, span=span), unreadable):
        if record is None:
            continue
        if batch and (size >= PIXEL_BYTES or record.classes != batch[0][1].classes):
            frames.append(to_frame(batch, file, network))
            batch, size = [], 0
        batch.append((line, record))
        size += record.pixels.nbytes
        records += 1
    if batch:
        frames.append(to_frame(batch, file, network))
    return frames, unreadable, records


def to_frame(batch: list[tuple[int, Record]], file: str, network: Network | None) -> pd.DataFrame:
    """Return a file's lines and records, at least one, all of the same classes, as a table."""
    lines, records = zip(*batch, strict=True)
    classes = records[0].classes
    counts = [len(record.image_ids) for record in records]
    probabilities = np.concatenate([record.probabilities for record in records])
    pixels = np.concatenate([record.pixels for record in records])
    vectors = network(pixels) if network else np.empty((len(pixels), 0), np.float32)
    times = np.array([record.time.replace(tzinfo=None) for record in records], "datetime64[us]")
    ids = [image_id for record in records for image_id in record.image_ids]
    return pd.DataFrame(
        {
            "time": pd.DatetimeIndex(np.repeat(times, counts)).tz_localize("UTC"),
            "image_id": pd.Series(ids, dtype="str"),
            "label": pd.Series(np.array(classes)[probabilities.argmax(1)], dtype="str"),
            "confidence": probabilities.max(1),
            **table.name_columns(table.PROBABILITY, classes, probabilities),
            **table.name_columns("", table.FEATURES, table.measure_features(pixels)),
            **table.name_columns(table.EMBEDDING, range(vectors.shape[1]), vectors),
            "file": pd.Series([file] * len(ids), dtype="str"),
            "line": np.repeat(lines, counts),
            "position": np.concatenate([np.arange(count) for count in counts]),
        }
    )


def image_reader(source: str) -> Callable[[str, int, int], Image.Image]:
    """Return a function that gives the RGB image of a row's `file`, `line` and `position`.

    source: where captures were loaded from. The function raises OSError for a file that is gone,
    and ValueError where no photo is there.
    """
    s3 = connect(source)

    def read_image(file: str, line: int, position: int) -> Image.Image:
        for number, data in read_lines(file, s3):
            if number == line:
                return Image.fromarray(parse(data).pixels[position])
        raise ValueError(f"{file} has no line {line}")

    return read_image


def parse(line: bytes, span: Span = ANY_TIME) -> Record | None:
    """Read a record; return None outside of the span. Raises RecordError."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        whole = line.endswith(b"\n")
        raise RecordError(f"it is not JSON{'' if whole else ': the line is cut off'}") from None
    try:
        captured, metadata = record["captureData"], record["eventMetadata"]
        time = datetime.fromisoformat(metadata["inferenceTime"])
        time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
        image_id = metadata.get("inferenceId") or metadata["eventId"]
        if time.year not in CENTURY:
            raise RecordError(f"inferenceTime is not of this century: {time.isoformat()}")
        if not isinstance(image_id, str) or not image_id:
            raise RecordError("it has neither an inferenceId nor an eventId")
        if time not in span:
            return None
        classes, probabilities = _read_answer(_decode(captured["endpointOutput"]))
        request = captured["endpointInput"]
        media_type = request["observedContentType"].partition(";")[0].strip().lower()
        pixels = _read_photos(media_type, _decode(request))
    except RecordError:
        raise
    except KeyError as error:
        raise RecordError(f"it has no {error}") from None
    except (AttributeError, OverflowError, TypeError, ValueError) as error:
        raise RecordError(f"it is no record of Data Capture: {error}") from None
    if len(pixels) != len(probabilities):
        raise RecordError(f"{len(pixels)} photos came with {len(probabilities)} answers")
    ids = [image_id]
    if media_type == NPY:
        ids = [f"{image_id}/{position}" for position in range(len(pixels))]
    return Record(time, ids, classes, probabilities, pixels)


def _decode(side: dict) -> bytes:
    if side["encoding"] == "JSON":
        return side["data"].encode(errors="replace")
    if side["encoding"] != "BASE64":
        raise RecordError(f"the encoding {side['encoding']!r} is neither BASE64 nor JSON")
    return base64.b64decode(side["data"], validate=True)


def _read_answer(body: bytes) -> tuple[list[str], np.ndarray]:
    """Return the class names and the probabilities, float32 N x C, which sum to at most 1 a photo.

    SageMaker's built-in image classification answers a photo with its C probabilities alone, whose
    classes are numbers:
    https://docs.aws.amazon.com/sagemaker/latest/dg/image-classification.html#IC-inputoutput
    """
    try:
        answer = json.loads(body)
        if isinstance(answer, list):
            answer = {"classes": [str(n) for n in range(len(answer))], "inferences": [answer]}
        classes, rows = answer["classes"], np.asarray(answer["inferences"], np.float64)
        count = len(set(classes)) if all(isinstance(name, str) for name in classes) else 0
    except (KeyError, OverflowError, RecursionError, TypeError, ValueError):
        start = body[:80].decode(errors="replace")
        raise RecordError(
            f"the answer is not 'classes' and rows of 'inferences': {start}"
        ) from None
    if not isinstance(classes, list) or count != len(classes) or not count:
        raise RecordError("the answer's classes are not different names")
    if rows.ndim != 2 or rows.shape[1] != count or not rows.size:
        raise RecordError(f"the answer is not rows of {count} probabilities")
    # Not a number fails any comparison.
    if not (rows.min() >= 0 and rows.sum(1).max() <= 1 + SUM_TOLERANCE):
        raise RecordError("the answer's numbers are not probabilities that sum to at most 1")
    return classes, rows.astype(np.float32)


def _read_photos(media_type: str, body: bytes) -> np.ndarray:
    """Return the photos of a request, which have the model's size, as the endpoint takes them."""
    if media_type not in (NPY, PNG):
        raise RecordError(f"the input is {media_type!r}, neither {NPY} nor {PNG}")
    try:
        if media_type == NPY:
            pixels = np.lib.format.read_array(io.BytesIO(body), allow_pickle=False)
        else:
            pixels = np.asarray(Image.open(io.BytesIO(body), formats=["PNG"]))[None]
    except Exception:  # NumPy evaluates the header's text, Pillow decodes: they raise many classes
        raise RecordError(f"the input is broken {media_type}") from None
    side = config.load()["image"]["size"]
    if pixels.dtype != np.uint8 or pixels.shape[1:] != (side, side, 3) or not pixels.size:
        shape = " x ".join(map(str, pixels.shape))
        raise RecordError(f"the input is {pixels.dtype} {shape}, not uint8 N x {side} x {side} x 3")
    return pixels
