"""Files of captures, record by record, into rows."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import BinaryIO

from scripts.monitoring.answers import read_answer
from scripts.monitoring.embedding import Embedder, Model
from scripts.monitoring.images import is_array, read_images
from scripts.monitoring.lines import read_lines
from scripts.monitoring.records import RecordError, parse
from scripts.monitoring.rows import Gatherer, Rows
from scripts.monitoring.sources import Bucket, File, Folder
from scripts.monitoring.span import Span

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
OPENED_AHEAD = 4  # hides how long S3 takes to answer; bodies are not read ahead


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
