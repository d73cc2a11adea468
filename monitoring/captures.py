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
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
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
from monitoring.files import File, Span, connect, list_files, open_file, read_lines
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


@dataclass(frozen=True)
class Unreadable:
    """A line, from 1, that holds no record that can be read, and why; line 0 is the whole file."""

    file: str
    line: int
    reason: str


@dataclass(frozen=True)
class Loaded:
    """What captures hold.

    frame: a row an image, as `table` says, by time. unreadable: what could not be read. files:
    how many there are in the span's folders. records: those of the span, the unreadable ones not
    counted. empty: the names of files without any record.

    Records of the same inference id are all kept: the endpoint was asked as often.
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
    start = (source, connect, span, model)
    parts = list(_read_all(start, files, processes or os.cpu_count() or 1))
    frames = [part.frame for part in parts if len(part.frame)]
    return Loaded(
        table.join(frames or [to_frame([], None)]),
        list(chain.from_iterable(part.unreadable for part in parts)),
        len(files),
        sum(part.records for part in parts),
        list(chain.from_iterable(part.empty for part in parts)),
    )


def _read_all(start: tuple, files: list[File], processes: int) -> Iterator[Loaded]:
    """Yield what the files hold, in their order; `start` are a Reader's arguments."""
    chunks = [files[first : first + CHUNK_FILES] for first in range(0, len(files), CHUNK_FILES)]
    if len(chunks) <= 1 or processes == 1:
        yield from map(Reader(*start).read, chunks)
        return
    # A copy of this process would share its connections and its threads' locks.
    context = multiprocessing.get_context("spawn")
    size = sum(file.size for file in files)
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


@dataclass(frozen=True, slots=True)
class Record:
    """One invocation of N images: `probabilities` are float32 N x C.

    `pixels` are uint8 N x H x W x 3, or None where no photo was captured.
    """

    time: datetime
    image_ids: list[str]
    file: str
    line: int
    classes: list[str]
    probabilities: np.ndarray
    pixels: np.ndarray | None

    def is_like(self, other: "Record") -> bool:
        """Whether both have the same classes and images of the same size."""
        sizes = [None if each.pixels is None else each.pixels.shape[1:] for each in (self, other)]
        return sizes[0] == sizes[1] and self.classes == other.classes


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
        frames, held = [], []
        count = size = 0
        for record in self._read_records(files, unreadable, empty):
            if held and (size >= PIXEL_BYTES or not record.is_like(held[0])):
                frames.append(to_frame(held, self._network))
                held, size = [], 0
            held.append(record)
            size += 0 if record.pixels is None else record.pixels.nbytes
            count += 1
        frames.append(to_frame(held, self._network))
        return Loaded(table.join(frames), unreadable, len(files), count, empty)

    def _read_records(
        self, files: list[File], unreadable: list[Unreadable], empty: list[str]
    ) -> Iterator[Record]:
        """Yield the records of the span; add to the lists what could not be read."""
        for file, opened in self._open_ahead(files):
            number = 0
            try:
                with opened() as stream:
                    for number, line, fault in read_lines(stream):
                        try:
                            if fault:
                                raise RecordError(fault)
                            if record := self._read_record(line, file.name, number):
                                yield record
                        except RecordError as error:
                            unreadable.append(Unreadable(file.name, number, str(error)))
                if number == 0:
                    empty.append(file.name)
            except OSError as error:
                reason = error.strerror or str(error)
                unreadable.append(Unreadable(file.name, 0, reason))

    def _open_ahead(self, files: list[File]) -> Iterator[tuple[File, Callable[[], BinaryIO]]]:
        """Yield the files, and what gives each opened, or raises; the next few are on the way."""
        with ThreadPoolExecutor(OPENED_AHEAD) as pool:
            waiting: deque[tuple[File, Future[BinaryIO]]] = deque()
            for file in files:
                waiting.append((file, pool.submit(open_file, file.name, self._s3)))
                if len(waiting) > OPENED_AHEAD:
                    first, future = waiting.popleft()
                    yield first, future.result
            for first, future in waiting:
                yield first, future.result

    def _read_record(self, line: bytes, file: str, number: int) -> Record | None:
        """Read a line, None where it is not of the span. Raises RecordError."""
        capture = parse(line)
        if capture.time not in self._span:
            return None
        classes, probabilities = read_answer(capture.answered)
        pixels = read_images(capture, self._network.side if self._network else None)
        count = len(probabilities)
        if pixels is not None and len(pixels) != count:
            raise RecordError(f"{len(pixels)} images came with {count} answers")
        ids = [capture.image_id]
        if count > 1 or capture.media_type == NPY:
            ids = [f"{capture.image_id}/{n}" for n in range(count)]
        if classes is None:
            classes = self._classes
            if len(classes) != probabilities.shape[1]:
                classes = [f"class {n}" for n in range(probabilities.shape[1])]
        return Record(capture.time, ids, file, number, classes, probabilities, pixels)


def to_frame(records: Sequence[Record], network: Network | None) -> pd.DataFrame:
    """Return records that are alike as a table; none are a table without rows or classes."""
    classes = records[0].classes if records else []
    pixels = records[0].pixels if records else None
    counts = [len(record.image_ids) for record in records]
    times = np.array([record.time.replace(tzinfo=None) for record in records], "datetime64[us]")
    probabilities = np.empty((0, 0), np.float32)
    if records:
        probabilities = np.concatenate([record.probabilities for record in records])
    measures = np.full((sum(counts), len(table.FEATURES)), np.nan, np.float32)
    vectors = np.empty((sum(counts), 0), np.float32)
    if pixels is not None:
        pixels = np.concatenate([record.pixels for record in records])
        measures = features(pixels)
        vectors = network(pixels) if network else vectors
    names = np.array(classes, dtype=object)
    return pd.DataFrame(
        {
            "time": pd.DatetimeIndex(np.repeat(times, counts)).tz_localize("UTC"),
            "image_id": pd.Series(
                list(chain.from_iterable(record.image_ids for record in records)), dtype="str"
            ),
            "label": pd.Series(names[probabilities.argmax(1)] if records else [], dtype="str"),
            "confidence": probabilities.max(1, initial=0),
            **table.name_columns(table.PROBABILITY, classes, probabilities),
            **table.name_columns("", table.FEATURES, measures),
            **table.name_columns(table.EMBEDDING, range(vectors.shape[1]), vectors),
            "file": pd.Series(np.repeat([record.file for record in records], counts), dtype="str"),
            "line": np.repeat(np.array([record.line for record in records], np.int64), counts),
            "position": np.array([n for count in counts for n in range(count)], np.int64),
        }
    )


class Capture(NamedTuple):
    """One line of a capture file.

    image_id: the inference id, or else the event id. media_type: of what was asked, "" where that
    was not kept; asked, answered: the bytes.
    """

    time: datetime
    image_id: str
    media_type: str
    asked: bytes
    answered: bytes


def parse(line: bytes) -> Capture:
    """Read a line. Raises RecordError."""
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
        asked = captured.get("endpointInput")
        media_type = (asked.get("observedContentType") or "") if asked else ""
        media_type = media_type.partition(";")[0].strip().lower()
        asked = _decode(asked) if asked else b""
        answered = _decode(captured["endpointOutput"])
    except KeyError as error:
        raise RecordError(f"it has no {error}") from None
    except (AttributeError, OverflowError, TypeError, ValueError) as error:
        raise RecordError(f"it is no record of Data Capture: {error}") from None
    if time.year not in CENTURY:
        raise RecordError(f"inferenceTime is not of this century: {time.isoformat()}")
    if not isinstance(image_id, str) or not image_id:
        raise RecordError("it has neither an inferenceId nor an eventId")
    return Capture(time, image_id, media_type, asked, answered)


def _decode(side: dict) -> bytes:
    if side["encoding"] == "JSON":
        return side["data"].encode(errors="replace")
    if side["encoding"] != "BASE64":
        raise ValueError(f"the encoding {side['encoding']!r} is neither BASE64 nor JSON")
    return base64.b64decode(side["data"], validate=True)


def read_answer(body: bytes) -> tuple[list[str] | None, np.ndarray]:
    """Return the class names, where the answer has them, and the probabilities, float32 N x C.

    Raises RecordError for all but the two forms above.
    """
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        raise RecordError("the answer is not JSON") from None
    if isinstance(answer, list):
        return None, _read_probabilities([answer])
    if not isinstance(answer, dict) or not {"classes", "inferences"} <= answer.keys():
        start = body[:80].decode(errors="replace")
        raise RecordError(f"the answer has no 'classes' and 'inferences': {start}")
    classes = answer["classes"]
    if (
        not isinstance(classes, list)
        or not all(isinstance(name, str) and name for name in classes)
        or len(set(classes)) < len(classes)
    ):
        raise RecordError("the answer's classes are not different names")
    probabilities = _read_probabilities(answer["inferences"])
    if probabilities.shape[1] != len(classes):
        count = probabilities.shape[1]
        raise RecordError(f"{len(classes)} classes came with {count} probabilities")
    return classes, probabilities


def _read_probabilities(rows: Any) -> np.ndarray:
    try:
        array = np.asarray(rows)
    except ValueError:  # rows of different lengths
        array = np.empty(0)
    if array.dtype.kind not in "fiu" or array.ndim != 2 or not array.size:
        raise RecordError("the answer is not rows of probabilities")
    # Not a number fails any comparison.
    if not (array.min() >= 0 and np.abs(array.sum(1) - 1).max() <= SUM_TOLERANCE):
        raise RecordError("the answer's numbers are not probabilities that sum to 1")
    return array.astype(np.float32)


def read_images(capture: Capture, side: int | None) -> np.ndarray | None:
    """Return what was asked as pixels, uint8 N x H x W x 3, of `side` unless that is None.

    None where no photo was captured. Raises RecordError for what is broken or of another size.
    """
    if capture.media_type == NPY:
        return _read_array(capture.asked, side)
    if capture.media_type in PHOTOS:
        return _read_photo(capture.asked, side)[None]
    return None


def _read_array(data: bytes, side: int | None) -> np.ndarray:
    try:
        array = np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
    except Exception:  # NumPy evaluates the header's text: it raises many classes
        raise RecordError("the input is broken npy") from None
    shape = array.shape
    size = shape[1:3] if side is None else (side, side)
    if array.dtype != np.uint8 or len(shape) != 4 or shape[1:] != (*size, 3) or not array.size:
        wanted = " x ".join(map(str, (*size, 3))) if side else "H x W x 3"
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
