"""Data Capture's records of a span of time as one table.

A record is what the endpoint was asked, a PNG or an array of photos, and what it answered:
`{"classes": [...], "inferences": [[...], ...]}`. What cannot be read is listed; the rest is read.
"""

import base64
import io
import itertools
import json
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
from PIL import Image

from monitoring import files, table
from monitoring.embedding import Model
from monitoring.files import ANY_TIME, Span, Unreadable
from service import config, storage, terminal

NPY, PNG = "application/x-npy", "image/png"
PIXEL_BYTES = 4 * 1024**2  # held until features and embeddings are computed of many photos at once
PROBES = 40  # photos that are answered again at once, spread over those in question
LEAST_SHARE = 0.25
# Other processors round otherwise; of two models hardly an answer is so much alike.
RELATIVE, ABSOLUTE = 1e-3, 1e-7
THREADS = 2  # of a process: one computes while the other waits for S3
CHUNK = 20  # files that a process takes at once
CHUNKS_A_PROCESS = 10  # fewer are read sooner than another process starts


@dataclass(frozen=True)
class Loaded:
    """What captures hold.

    frame: a row a photo, as `table` says, by time; records of the same inference id are all kept.
    unreadable: what could not be read. files: how many there are in the span's folders.
    """

    frame: pd.DataFrame
    unreadable: list[Unreadable]
    files: int

    @property
    def records(self) -> int:
        """How many records of the span could be read."""
        return int((self.frame["position"] == 0).sum())


class Record(NamedTuple):
    """One invocation of N photos: `probabilities` are float32 N x C, pixels uint8 N x H x W x 3.

    image_ids: the inference id, or else the event id; photos of an array are numbered.
    """

    time: datetime
    image_ids: list[str]
    classes: list[str]
    probabilities: np.ndarray
    pixels: np.ndarray


Part = tuple[list[pd.DataFrame], list[Unreadable]]  # what a file holds


def load(
    source: str,
    since: datetime | None = None,
    until: datetime | None = None,
    model: Model | None = None,
) -> Loaded:
    """Read the captures from `since` until just before `until` (None is open).

    source: `s3://bucket/prefix`, or a folder or file. model: gives embeddings, if it has any. Only
    numbers are kept of the photos, so that memory grows with the table alone. Raises UserError for
    a path that does not exist.
    """
    span = Span(since, until)
    names = files.list_files(source, span)
    chunks = [names[start : start + CHUNK] for start in range(0, len(names), CHUNK)]
    parts = list(terminal.track(_read_chunks(chunks, span, model), "Load", len(names), "files"))
    unreadable = [each for _, missed in parts for each in missed]
    frame = table.join([frame for frames, _ in parts for frame in frames])
    return Loaded(frame, sorted(unreadable), len(names))


def _read_chunks(chunks: list[list[str]], span: Span, model: Model | None) -> Iterator[Part]:
    """Read files; many of them in a process for each core, as parsing holds Python's lock.

    Raises UserError where a process was ended from outside.
    """
    read = partial(read_file, span=span, model=model)
    processes = min(os.cpu_count() or 1, len(chunks) // CHUNKS_A_PROCESS)
    if processes < 2:
        yield from storage.map_ahead(read, itertools.chain(*chunks), THREADS)
        return
    # A copy of this process would share its connections and its threads' locks.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, spawn, _start_process, (read,)) as pool:
        try:
            for parts in pool.map(_read_chunk, chunks):
                yield from parts
        except BrokenProcessPool as error:
            raise terminal.UserError(
                "A process that read captures was ended from outside. Was the memory used up?"
            ) from error
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _start_process(read: Callable[[str], Part]) -> None:
    global _read  # of a process that does nothing but read
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process ends the others
    _read = read


def _read_chunk(chunk: list[str]) -> list[Part]:
    return list(storage.map_ahead(_read, chunk, THREADS))


def read_file(file: str, span: Span, model: Model | None) -> Part:
    """Return tables of the file's photos, and what could not be read."""
    unreadable: list[Unreadable] = []
    size = 0

    def choose_batch(item: tuple[int, Record]) -> tuple[list[str], int]:
        nonlocal size
        size += item[1].pixels.nbytes
        return item[1].classes, size // PIXEL_BYTES

    records = files.read_records(file, partial(parse, span=span), unreadable)
    batches = itertools.groupby(records, choose_batch)
    return [to_frame(list(batch), file, model) for _, batch in batches], unreadable


def to_frame(batch: list[tuple[int, Record]], file: str, model: Model | None) -> pd.DataFrame:
    """Return a file's lines and records, at least one, all of the same classes, as a table."""
    lines, records = zip(*batch, strict=True)
    classes = records[0].classes
    counts = [len(record.image_ids) for record in records]
    probabilities = np.concatenate([record.probabilities for record in records])
    pixels = np.concatenate([record.pixels for record in records])
    embedded = model.embed(pixels) if model and model.embed else np.empty((len(pixels), 0))
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
            **table.name_columns(table.EMBEDDING, range(embedded.shape[1]), embedded),
            "file": pd.Series([file] * len(ids), dtype="str"),
            "line": np.repeat(lines, counts),
            "position": np.concatenate([np.arange(count) for count in counts]),
        }
    )


def keep_served(frame: pd.DataFrame, model: Model | None) -> tuple[pd.DataFrame, list[str]]:
    """Return the table from where on the model answered, and in words what was left out.

    A record names endpoint and variant, not the model, and SageMaker keeps no history of an
    endpoint's models. But a model gives the same photo the same answer: where the served model
    would have answered otherwise, another one did. Without a model the table stays as it is.
    """
    if model is None or frame.empty:
        return frame, []
    classes, captured = table.probabilities(frame)

    def differs(row: int) -> bool:
        place = frame.iloc[row]
        with suppress(OSError, ValueError):  # a photo that cannot be read again proves nothing
            image = read_image(place["file"], int(place["line"]), int(place["position"]))
            answer = dict(zip(model.classes, model.answer(np.asarray(image)[None])[0], strict=True))
            expected = [answer.get(name, np.nan) for name in classes]
            return not np.allclose(captured[row], expected, RELATIVE, ABSOLUTE, equal_nan=True)
        return False

    first = first_served(len(frame), differs)
    if first == 0:
        return frame, []
    last = frame["time"].iloc[first - 1]
    return frame[first:].reset_index(drop=True), [
        f"the endpoint's model changed after {last:%Y-%m-%d %H:%M:%S} UTC: the {first:,} photos "
        f"until then were answered by another one than {model.name} and are not judged"
    ]


def first_served(count: int, differs: Callable[[int], bool]) -> int:
    """Return the row behind the last of `count` that differs, as far as probes find it.

    Rows that differ among many before them that do not are odd photos, not another model's.
    """
    low, high = -1, count  # the last row known to differ, and the first after it that does not
    while high - low > 1:
        probes = np.unique(np.linspace(low + 1, high - 1, PROBES).astype(int))
        wrong = np.array([differs(int(row)) for row in probes])
        share = np.cumsum(wrong) / np.arange(1, len(probes) + 1)
        low = max(probes[wrong & (share >= LEAST_SHARE)], default=low)
        high = min(probes[probes > low], default=high)
    return int(high)


def read_image(file: str, line: int, position: int) -> Image.Image:
    """Return the RGB image of a row's `file`, `line` and `position`.

    Raises OSError for a file that is gone, and ValueError where no photo is there.
    """
    for number, data in files.read_lines(file):
        if number == line:
            return Image.fromarray(parse(json.loads(data)).pixels[position])
    raise ValueError(f"{file} has no line {line}")


def parse(record: dict, span: Span = ANY_TIME) -> Record | None:
    """Read a line's JSON; return None outside of the span. ValueError says what is wrong with it.

    KeyError and TypeError tell that it is no record of Data Capture.
    """
    captured, metadata = record["captureData"], record["eventMetadata"]
    time = files.parse_time(metadata["inferenceTime"])
    image_id = metadata.get("inferenceId") or metadata["eventId"]
    if not isinstance(image_id, str) or not image_id:
        raise ValueError("it has neither an inferenceId nor an eventId")
    if time not in span:
        return None
    classes, probabilities = _read_answer(_decode(captured["endpointOutput"]))
    request = captured["endpointInput"]
    media_type = request["observedContentType"].partition(";")[0].strip().lower()
    pixels = _read_photos(media_type, _decode(request))
    if len(pixels) != len(probabilities):
        raise ValueError(f"{len(pixels)} photos came with {len(probabilities)} answers")
    ids = [image_id]
    if media_type == NPY:
        ids = [f"{image_id}/{position}" for position in range(len(pixels))]
    return Record(time, ids, classes, probabilities, pixels)


def _decode(side: dict) -> bytes:
    if side["encoding"] == "JSON":
        return side["data"].encode(errors="replace")
    if side["encoding"] != "BASE64":
        raise ValueError(f"the encoding {side['encoding']!r} is neither BASE64 nor JSON")
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
            answer = {"classes": range(len(answer)), "inferences": [answer]}
        classes = [str(name) for name in answer["classes"]]
        rows = np.asarray(answer["inferences"], np.float64)
    except (KeyError, OverflowError, RecursionError, TypeError, ValueError):
        start = body[:80].decode(errors="replace")
        raise ValueError(f"the answer is not 'classes' and rows of 'inferences': {start}") from None
    if len(set(classes)) != len(classes):
        raise ValueError("the answer's classes are not different names")
    if rows.ndim != 2 or rows.shape[1] != len(classes) or not rows.size:
        raise ValueError(f"the answer is not rows of {len(classes)} probabilities")
    # Not a number fails any comparison.
    if not (rows.min() >= 0 and rows.sum(1).max() <= 1 + table.SUM_TOLERANCE):
        raise ValueError("the answer's numbers are not probabilities that sum to at most 1")
    return classes, rows.astype(np.float32)


def _read_photos(media_type: str, body: bytes) -> np.ndarray:
    """Return the photos of a request, which have the model's size, as the endpoint takes them."""
    if media_type not in (NPY, PNG):
        raise ValueError(f"the input is {media_type!r}, neither {NPY} nor {PNG}")
    try:
        if media_type == NPY:
            pixels = np.lib.format.read_array(io.BytesIO(body), allow_pickle=False)
        else:
            pixels = np.asarray(Image.open(io.BytesIO(body), formats=["PNG"]))[None]
    except Exception:  # NumPy evaluates the header's text, Pillow decodes: they raise many classes
        raise ValueError(f"the input is broken {media_type}") from None
    side = config.load()["image"]["size"]
    if pixels.dtype != np.uint8 or pixels.shape[1:] != (side, side, 3) or not pixels.size:
        shape = " x ".join(map(str, pixels.shape))
        raise ValueError(f"the input is {pixels.dtype} {shape}, not uint8 N x {side} x {side} x 3")
    return pixels
