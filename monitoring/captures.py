"""Data Capture's records of a span of time as one table, read in parallel."""

import itertools
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import BinaryIO

import pandas as pd
from tqdm import tqdm

from monitoring import rows
from monitoring.embedding import Embedder, Model
from monitoring.records import RecordError, is_array, parse, read_answer, read_images
from monitoring.rows import Gatherer, Rows
from monitoring.sources import Bucket, File, Folder, read_lines, source_of
from monitoring.span import Span
from service.terminal import UserError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
OPENED_AHEAD = 4  # hides how long S3 takes to answer; bodies are not read ahead

# What a process gets at once: enough to be worth the way, little enough to share out evenly.
CHUNK_BYTES = 8 * 1024**2
CHUNK_FILES = 200
WAITING = 2  # chunks that lie ready for each process


@dataclass(frozen=True)
class Unreadable:
    """A line, from 1, that holds no record that can be read, and why; line 0 is the whole file."""

    file: str
    line: int
    reason: str


@dataclass
class Part:
    """What some files held. `records` counts those of the span that could be read."""

    rows: Rows
    unreadable: list[Unreadable] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    records: int = 0


class Reader:
    """Reads files of one source. Without a model with an embedding, rows have none."""

    def __init__(self, source: Bucket | Folder, span: Span, model: Model | None):
        self._open = source.opener()
        self._span = span
        self._classes = model.classes if model else []
        self._embedder = Embedder(model.graph) if model and model.graph else None

    def read(self, files: list[File]) -> Part:
        """Read the files' lines, each file streamed."""
        gatherer = Gatherer(self._embedder)
        part = Part(gatherer.rows)
        for file, opened in opened_ahead(self._open, files):
            try:
                with opened() as stream:
                    self._read_file(file.name, stream, gatherer, part)
            except OSError as error:
                part.unreadable.append(Unreadable(file.name, 0, error.strerror or str(error)))
        gatherer.finish()
        return part

    def _read_file(self, name: str, stream: BinaryIO, gatherer: Gatherer, part: Part) -> None:
        number = 0
        for number, line, fault in read_lines(stream):
            try:
                if fault:
                    raise RecordError(fault)
                part.records += self._read_record(line, (name, number), gatherer)
            except RecordError as error:
                part.unreadable.append(Unreadable(name, number, str(error)))
        if number == 0:
            part.empty.append(name)

    def _read_record(self, line: bytes, place: tuple[str, int], gatherer: Gatherer) -> bool:
        """Whether the record is of the span; if so, its images are among the rows."""
        record = parse(line)
        if record.time not in self._span:
            return False
        classes, probabilities = read_answer(record.answered)
        images = read_images(record.asked, self._embedder.side if self._embedder else None)
        count = len(probabilities)
        if images is not None and len(images.pixels) != count:
            raise RecordError(f"{len(images.pixels)} images came with {count} answers")
        several = count > 1 or is_array(record.asked)
        gatherer.add(
            (record.time - EPOCH) // MICROSECOND,
            [f"{record.image_id}/{n}" for n in range(count)] if several else [record.image_id],
            place,
            tuple(classes or self._names(probabilities.shape[1])),
            probabilities,
            images,
        )
        return True

    def _names(self, count: int) -> list[str]:
        """Class names for an answer without: the model's, or numbers if that has other classes."""
        if len(self._classes) == count:
            return self._classes
        return [f"class {number}" for number in range(count)]


def opened_ahead(
    open_file: Callable[[str], BinaryIO], files: list[File]
) -> Iterator[tuple[File, Callable[[], BinaryIO]]]:
    """Yield the files, and what gives each opened, or raises; the next few are on the way."""
    with ThreadPoolExecutor(OPENED_AHEAD) as pool:
        waiting: deque[tuple[File, Future[BinaryIO]]] = deque()
        for file in files:
            waiting.append((file, pool.submit(open_file, file.name)))
            if len(waiting) > OPENED_AHEAD:
                first, future = waiting.popleft()
                yield first, future.result
        for first, future in waiting:
            yield first, future.result


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
    source: str | Bucket | Folder,
    since: datetime | None = None,
    until: datetime | None = None,
    *,
    model: Model | None = None,
    processes: int | None = None,
) -> Loaded:
    """Read the captures from `since` until just before `until` (None is open).

    source: `s3://bucket/prefix`, or a folder or file. model: gives embeddings, and names to the
    classes of answers without. processes: one a core unless it is said; few captures need no
    second. Only numbers are kept of the images, so that memory grows with the table alone.
    Raises UserError for a folder that does not exist.
    """
    if isinstance(source, str):
        source = source_of(source)
    span = Span(since, until)
    files = source.files(span)
    parts = list(_parts(source, span, model, files, processes or os.cpu_count() or 1))
    return Loaded(
        rows.to_frame([part.rows for part in parts]),
        list(itertools.chain.from_iterable(part.unreadable for part in parts)),
        len(files),
        sum(part.records for part in parts),
        list(itertools.chain.from_iterable(part.empty for part in parts)),
    )


def _parts(
    source: Bucket | Folder, span: Span, model: Model | None, files: list[File], processes: int
) -> Iterator[Part]:
    """Yield what the files hold, in their order."""
    chunks = list(_chunks(files))
    if len(chunks) <= 1 or processes == 1:
        reader = Reader(source, span, model) if chunks else None
        yield from map(reader.read, chunks) if reader else ()
        return
    size = sum(file.size for file in files)
    pool = ProcessPoolExecutor(
        min(processes, len(chunks)),
        # A copy of this process would share its connections and its threads' locks.
        multiprocessing.get_context("spawn"),
        _start,
        (source, span, model),
    )
    with pool, tqdm(total=size, desc="Load", unit="B", unit_scale=True, disable=None) as bar:
        waiting: deque[tuple[list[File], Future[Part]]] = deque()
        left = iter(chunks)
        try:
            while True:
                for chunk in itertools.islice(left, processes * WAITING - len(waiting)):
                    waiting.append((chunk, pool.submit(_read, chunk)))
                if not waiting:
                    return
                chunk, future = waiting.popleft()
                yield future.result()
                bar.update(sum(file.size for file in chunk))
        except BrokenProcessPool as error:
            raise UserError(
                "A process that read captures was ended from outside. Was the memory used up?"
            ) from error
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _chunks(files: list[File]) -> Iterator[list[File]]:
    chunk, size = [], 0
    for file in files:
        chunk.append(file)
        size += file.size
        if size >= CHUNK_BYTES or len(chunk) == CHUNK_FILES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


_reader: Reader | None = None  # of a process that does nothing but read


def _start(source: Bucket | Folder, span: Span, model: Model | None) -> None:
    global _reader
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process ends the others
    _reader = Reader(source, span, model)


def _read(files: list[File]) -> Part:
    return _reader.read(files)
