"""Data Capture's records of a span of time as one table, read in parallel."""

import itertools
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from datetime import datetime

import pandas as pd
from tqdm import tqdm

from scripts.cli import UserError
from scripts.monitoring import rows
from scripts.monitoring.embedding import Model
from scripts.monitoring.reader import Part, Reader, Unreadable
from scripts.monitoring.sources import Bucket, File, Folder, source_of
from scripts.monitoring.span import Span

# What a process gets at once: enough to be worth the way, little enough to share out evenly.
CHUNK_BYTES = 8 * 1024**2
CHUNK_FILES = 200
WAITING = 2  # chunks that lie ready for each process


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
