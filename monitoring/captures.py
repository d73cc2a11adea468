"""Data Capture's records of a span of time as one table, read in parallel.

A record is what the endpoint was asked, an array or a photo, and what it answered: `{"classes":
[...], "inferences": [[...], ...]}`, or the plain list of probabilities that SageMaker's built-in
image classification answers with. What cannot be read is listed; the rest is read.
"""

import base64
import contextlib
import io
import json
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import pandas as pd
from PIL import Image

from handlers.errors import HandlerError
from handlers.photo import to_model_pixels
from monitoring import table
from monitoring.embedding import Model, Network
from monitoring.features import features
from monitoring.files import ANY_TIME, File, Span, connect, list_files, open_file, read_lines
from service import config, terminal
from service.terminal import UserError

NPY = "application/x-npy"
# The last is what SageMaker's built-in image classification calls all of its images.
PHOTOS = {"image/png", "image/jpeg", "image/jpg", "image/webp", "application/x-image"}
CENTURY = range(2000, 2100)  # pandas and matplotlib have no dates of all years
SUM_TOLERANCE = 0.01  # not every algorithm answers with all digits

PIXEL_BYTES = 4 * 1024**2  # held until features and embeddings are computed of many images at once
OPENED_AHEAD = 4  # hides how long S3 takes to answer
CHUNK_FILES = 40  # what a process gets at once


class RecordError(Exception):
    """A record that cannot be read; the message says why."""


class Unreadable(NamedTuple):
    """A line, from 1, that holds no record that can be read, and why; line 0 is the whole file."""

    file: str
    line: int
    reason: str


@dataclass(frozen=True)
class Loaded:
    """What captures hold.

    frame: a row an image, as `table` says, by time; records of the same inference id are all kept.
    unreadable: what could not be read. files: how many there are in the span's folders. records:
    those of the span, the unreadable ones not counted. empty: the names of files without any.
    """

    frame: pd.DataFrame
    unreadable: list[Unreadable] = field(default_factory=list)
    files: int = 0
    records: int = 0
    empty: list[str] = field(default_factory=list)


def load(
    source: str,
    since: datetime | None = None,
    until: datetime | None = None,
    *,
    model: Model | None = None,
    processes: int | None = None,
    connect: Callable[[str], Any] = connect,
) -> Loaded:
    """Read the captures from `since` until just before `until` (None is open).

    source: `s3://bucket/prefix`, or a folder or file. model: gives embeddings, and names to the
    classes of answers without. processes: one a core unless it is said; few captures need no
    second. connect: makes the S3 client that reads the source, in each process. Only numbers are
    kept of the images, so that memory grows with the table alone. Raises UserError for a path that
    does not exist.
    """
    span = Span(since, until)
    files = list_files(source, span, connect(source))
    chunks = [files[first : first + CHUNK_FILES] for first in range(0, len(files), CHUNK_FILES)]
    start = (source, connect, span, model)
    if len(chunks) <= 1 or processes == 1:
        parts = list(map(Reader(*start).read, chunks))
    else:
        parts = list(_read_parallel(start, chunks, processes or os.cpu_count() or 1))
    return Loaded(
        table.join([part.frame for part in parts if len(part.frame)] or [to_frame([], [], None)]),
        list(chain.from_iterable(part.unreadable for part in parts)),
        len(files),
        sum(part.records for part in parts),
        list(chain.from_iterable(part.empty for part in parts)),
    )


def _read_parallel(start: tuple, chunks: list[list[File]], processes: int) -> Iterator[Loaded]:
    """Yield what the chunks hold, in their order; `start` are a Reader's arguments."""
    # A copy of this process would share its connections and its threads' locks.
    context = multiprocessing.get_context("spawn")
    size = sum(file.size for chunk in chunks for file in chunk)
    with (
        ProcessPoolExecutor(min(processes, len(chunks)), context, _start, start) as pool,
        terminal.progress_bar("Load", size, "B") as advance,
    ):
        try:
            for chunk, part in zip(chunks, pool.map(_read, chunks), strict=True):
                yield part
                advance(sum(file.size for file in chunk))
        except BrokenProcessPool as error:
            raise UserError(
                "A process that read captures was ended from outside. Was the memory used up?"
            ) from error


_reader: "Reader"  # of a process that does nothing but read


def _start(*arguments) -> None:
    global _reader
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process ends the others
    _reader = Reader(*arguments)


def _read(files: list[File]) -> Loaded:
    return _reader.read(files)


class Record(NamedTuple):
    """One invocation of N images: `probabilities` are float32 N x C.

    image_ids: the inference id, or else the event id; images of an array are numbered. classes:
    None where the answer names none. pixels: uint8 N x H x W x 3; None without a photo. file and
    line: where it was read.
    """

    time: datetime
    image_ids: list[str]
    classes: list[str] | None
    probabilities: np.ndarray
    pixels: np.ndarray | None
    file: str
    line: int


class Reader:
    """Reads files of a source. Without a model with an embedding, rows have none."""

    def __init__(self, source: str, connect: Callable[[str], Any], span: Span, model: Model | None):
        self._s3 = connect(source)
        self._span = span
        self._classes = model.classes if model else []
        self._network = Network(model.graph, "embedding") if model and model.graph else None

    def read(self, files: list[File]) -> Loaded:
        """Read the files' lines, each file streamed."""
        unreadable: list[Unreadable] = []
        empty: list[str] = []
        frames, held, held_bytes, held_columns = [], [], 0, None
        count = 0
        for record in self._read_records(files, unreadable, empty):
            pixels = record.pixels
            columns = self._name_classes(record), None if pixels is None else pixels.shape[1:]
            if held and (held_bytes >= PIXEL_BYTES or columns != held_columns):
                frames.append(to_frame(held, held_columns[0], self._network))
                held, held_bytes = [], 0
            held.append(record)
            held_bytes += 0 if pixels is None else pixels.nbytes
            held_columns = columns
            count += 1
        frames.append(to_frame(held, held_columns[0] if held else [], self._network))
        return Loaded(table.join(frames), unreadable, len(files), count, empty)

    def _read_records(
        self, files: list[File], unreadable: list[Unreadable], empty: list[str]
    ) -> Iterator[Record]:
        """Yield the records of the span; add to the lists what could not be read."""
        side = self._network.side if self._network else None
        for file, opened in self._open_ahead(files):
            number = 0
            try:
                with opened() as stream:
                    for number, line, fault in read_lines(stream):
                        try:
                            if fault:
                                raise RecordError(fault)
                            if record := parse(line, side, self._span, (file.name, number)):
                                yield record
                        except RecordError as error:
                            unreadable.append(Unreadable(file.name, number, str(error)))
                if number == 0:
                    empty.append(file.name)
            except OSError as error:
                unreadable.append(Unreadable(file.name, 0, error.strerror or str(error)))

    def _open_ahead(self, files: list[File]) -> Iterator[tuple[File, Callable[[], BinaryIO]]]:
        """Yield the files, and what gives each opened, or raises; the next few are on the way."""
        with ThreadPoolExecutor(OPENED_AHEAD) as pool:
            waiting: deque = deque()
            for file in files:
                waiting.append((file, pool.submit(open_file, file.name, self._s3).result))
                if len(waiting) > OPENED_AHEAD:
                    yield waiting.popleft()
            yield from waiting

    def _name_classes(self, record: Record) -> list[str]:
        count = record.probabilities.shape[1]
        named = self._classes if len(self._classes) == count else None
        return record.classes or named or [f"class {number}" for number in range(count)]


def to_frame(records: list[Record], classes: list[str], network: Network | None) -> pd.DataFrame:
    """Return records of these classes, of images of one size, as a table; it may be empty."""
    counts = [len(record.image_ids) for record in records]
    ids = [name for record in records for name in record.image_ids]
    times = np.array([record.time.replace(tzinfo=None) for record in records], "datetime64[us]")
    probabilities = np.empty((0, 0), np.float32)
    if records:
        probabilities = np.concatenate([record.probabilities for record in records])
    labels = [classes[index] for index in probabilities.argmax(1)] if records else []
    measures = np.full((len(ids), len(table.FEATURES)), np.nan, np.float32)
    vectors = np.empty((len(ids), 0), np.float32)
    if records and records[0].pixels is not None:
        pixels = np.concatenate([record.pixels for record in records])
        measures = features(pixels)
        vectors = network(pixels) if network else vectors
    files = list(chain.from_iterable([each.file] * len(each.image_ids) for each in records))
    return pd.DataFrame(
        {
            "time": pd.DatetimeIndex(np.repeat(times, counts)).tz_localize("UTC"),
            "image_id": pd.Series(ids, dtype="str"),
            "label": pd.Series(labels, dtype="str"),
            "confidence": probabilities.max(1, initial=0),
            **table.name_columns(table.PROBABILITY, classes, probabilities),
            **table.name_columns("", table.FEATURES, measures),
            **table.name_columns(table.EMBEDDING, range(vectors.shape[1]), vectors),
            "file": pd.Series(files, dtype="str"),
            "line": np.repeat(np.array([record.line for record in records], np.int64), counts),
            "position": np.array([n for count in counts for n in range(count)], np.int64),
        }
    )


def parse(
    line: bytes, side: int | None, span: Span = ANY_TIME, place: tuple[str, int] = ("", 0)
) -> Record | None:
    """Read a line of the file and number in `place`; None where it is not of the span.

    Images are of `side` pixels; None: photos are of config.yml's size, and arrays as they are.
    Raises RecordError.
    """
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
        request = captured.get("endpointInput") or {}
        media_type = (request.get("observedContentType") or "").partition(";")[0].strip().lower()
        pixels = None
        if media_type == NPY:
            pixels = _read_array(_decode(request), side)
        elif media_type in PHOTOS:
            pixels = _read_photo(_decode(request), side)[None]
    except KeyError as error:
        raise RecordError(f"it has no {error}") from None
    except (AttributeError, OverflowError, TypeError, ValueError) as error:
        raise RecordError(f"it is no record of Data Capture: {error}") from None
    count = len(probabilities)
    if pixels is not None and len(pixels) != count:
        raise RecordError(f"{len(pixels)} images came with {count} answers")
    ids = [image_id]
    if count > 1 or media_type == NPY:
        ids = [f"{image_id}/{number}" for number in range(count)]
    return Record(time, ids, classes, probabilities, pixels, *place)


def _decode(side: dict) -> bytes:
    if side["encoding"] == "JSON":
        return side["data"].encode(errors="replace")
    if side["encoding"] != "BASE64":
        raise RecordError(f"the encoding {side['encoding']!r} is neither BASE64 nor JSON")
    return base64.b64decode(side["data"], validate=True)


def _read_answer(body: bytes) -> tuple[list[str] | None, np.ndarray]:
    """Return the class names, where the answer has them, and the probabilities, float32 N x C."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        raise RecordError("the answer is not JSON") from None
    classes, rows = None, [answer]
    if not isinstance(answer, list):
        if not isinstance(answer, dict) or not {"classes", "inferences"} <= answer.keys():
            start = body[:80].decode(errors="replace")
            raise RecordError(f"the answer has no 'classes' and 'inferences': {start}")
        classes, rows = answer["classes"], answer["inferences"]
        names = isinstance(classes, list) and all(isinstance(x, str) and x for x in classes)
        if not names or len(set(classes)) < len(classes):
            raise RecordError("the answer's classes are not different names")
    try:
        array = np.asarray(rows)
    except ValueError:  # rows of different lengths
        array = np.empty(0)
    if array.dtype.kind not in "fiu" or array.ndim != 2 or not array.size:
        raise RecordError("the answer is not rows of probabilities")
    # Not a number fails any comparison.
    if not (array.min() >= 0 and np.abs(array.sum(1) - 1).max() <= SUM_TOLERANCE):
        raise RecordError("the answer's numbers are not probabilities that sum to 1")
    count = array.shape[1]
    if classes is not None and len(classes) != count:
        raise RecordError(f"{len(classes)} classes came with {count} probabilities")
    return classes, array.astype(np.float32)


def _read_array(data: bytes, side: int | None) -> np.ndarray:
    try:
        array = np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
    except Exception:  # NumPy evaluates the header's text: it raises many classes
        raise RecordError("the input is broken npy") from None
    shape = array.shape
    size = (side, side) if side else shape[1:3]
    if array.dtype != np.uint8 or len(shape) != 4 or shape[1:] != (*size, 3) or not array.size:
        wanted = f"{side} x {side} x 3" if side else "H x W x 3"
        raise RecordError(f"the array is {array.dtype} of shape {shape}, not uint8 N x {wanted}")
    return array


def _read_photo(data: bytes, side: int | None) -> np.ndarray:
    """Return a photo's pixels as the model takes them, whatever its own size."""
    limits = config.load()["image"]
    side = side or limits["size"]
    with contextlib.suppress(Exception):  # what is wrong, the decoder below says
        image = Image.open(io.BytesIO(data), formats=["PNG"])
        if image.size == (side, side) and image.mode == "RGB":
            return np.asarray(image)  # what the endpoint takes; the other way is twice as slow
    try:
        pixels = to_model_pixels(data, side, limits["max_pixels"])
    except HandlerError as error:
        raise RecordError(str(error)) from None
    return np.frombuffer(pixels, np.uint8).reshape(side, side, 3)
