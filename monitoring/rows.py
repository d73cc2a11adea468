"""Images' rows on the way into the table: gathered in numbers, their pixels soon forgotten."""

import itertools
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from monitoring import table
from monitoring.embedding import Embedder
from monitoring.features import features
from monitoring.records import Images

PIXEL_BYTES = 4 * 1024**2  # held until features are computed of many images at once
MEASURES = (*table.FEATURES, "width", "height")
Classes = tuple[str, ...]


@dataclass
class Rows:
    """N images as columns. `file` and `line` tell of each where its record lies."""

    time: list[int] = field(default_factory=list)  # microseconds since 1970, UTC
    image_id: list[str] = field(default_factory=list)
    file: list[str] = field(default_factory=list)
    line: list[int] = field(default_factory=list)
    position: list[int] = field(default_factory=list)
    # By class names: which rows, and their probabilities.
    answers: dict[Classes, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    measures: np.ndarray | None = None  # float32 N x MEASURES
    embedding: np.ndarray | None = None  # float32 N x D; None where no image has one

    def __len__(self):
        return len(self.time)


class Gatherer:
    """Makes rows of records; `rows` is whole once `finish` was called."""

    def __init__(self, embedder: Embedder | None):
        self.rows = Rows()
        self._embedder = embedder
        self._answers: dict[Classes, list[tuple[int, np.ndarray]]] = {}
        self._sizes: list[tuple[int, int, int, int]] = []  # row, count, width, height
        self._pixels: dict[tuple[int, ...], list[tuple[int, np.ndarray]]] = {}
        self._seen: list[tuple[int, np.ndarray]] = []
        self._bytes = 0
        self._features: list[tuple[int, np.ndarray]] = []
        self._embeddings: list[tuple[int, np.ndarray]] = []

    def add(
        self,
        time: int,
        image_ids: list[str],
        place: tuple[str, int],
        classes: Classes,
        probabilities: np.ndarray,
        images: Images | None,
    ) -> None:
        """Take a record's images; `place` is its file and line, probabilities are N x C."""
        first, count = len(self.rows), len(image_ids)
        file, line = place
        self.rows.time.extend([time] * count)
        self.rows.image_id.extend(image_ids)
        self.rows.file.extend([file] * count)
        self.rows.line.extend([line] * count)
        self.rows.position.extend(range(count))
        self._answers.setdefault(classes, []).append((first, probabilities))
        if images is None:
            return
        self._sizes.append((first, count, images.width, images.height))
        self._pixels.setdefault(images.pixels.shape[1:], []).append((first, images.pixels))
        self._bytes += images.pixels.nbytes
        if images.model_input is not None:
            self._seen.append((first, images.model_input))
        if self._bytes >= PIXEL_BYTES:
            self._compute()

    def _compute(self) -> None:
        for places in self._pixels.values():
            numbers = features(np.concatenate([pixels for _, pixels in places]))
            self._features.extend(_apart(places, numbers))
        if self._embedder and self._seen:
            numbers = self._embedder(np.concatenate([images for _, images in self._seen]))
            self._embeddings.extend(_apart(self._seen, numbers))
        self._pixels, self._seen, self._bytes = {}, [], 0

    def finish(self) -> Rows:
        """Compute what is left and return the rows."""
        self._compute()
        rows = self.rows
        rows.answers = {
            classes: (_indices(parts), np.concatenate([part for _, part in parts]))
            for classes, parts in self._answers.items()
        }
        rows.measures = np.full((len(rows), len(MEASURES)), np.nan, np.float32)
        for first, numbers in self._features:
            rows.measures[first : first + len(numbers), :4] = numbers
        for first, count, *size in self._sizes:
            rows.measures[first : first + count, 4:] = size
        if self._embeddings:
            width = self._embeddings[0][1].shape[1]
            rows.embedding = np.full((len(rows), width), np.nan, np.float32)
            for first, numbers in self._embeddings:
                rows.embedding[first : first + len(numbers)] = numbers
        return rows


def _apart(
    places: list[tuple[int, np.ndarray]], numbers: np.ndarray
) -> list[tuple[int, np.ndarray]]:
    """Give each place its share of the rows that were computed together."""
    ends = np.cumsum([len(array) for _, array in places])
    shares = np.split(numbers, ends[:-1])
    return [(first, share) for (first, _), share in zip(places, shares, strict=True)]


def _indices(parts: list[tuple[int, np.ndarray]]) -> np.ndarray:
    return np.concatenate([np.arange(first, first + len(part)) for first, part in parts])


def to_frame(parts: list[Rows]) -> pd.DataFrame:
    """Put rows together as the table that `table` describes, in order of time and place."""
    times = [np.array(part.time, "datetime64[us]") for part in parts]
    described = pd.DataFrame(
        {
            "time": pd.Series(_stacked(times, (0,), "datetime64[us]")).dt.tz_localize("UTC"),
            "image_id": pd.Series([name for part in parts for name in part.image_id], dtype="str"),
        }
    )
    classes, probabilities = _probabilities(parts)
    judged = pd.DataFrame(
        {
            "label": pd.Series(_labels(classes, probabilities), dtype="str"),
            "confidence": np.nanmax(probabilities, 1, initial=0).astype(np.float32),
        }
    )
    place = pd.DataFrame(
        {
            "file": pd.Series([name for part in parts for name in part.file], dtype="str"),
            "line": np.array([line for part in parts for line in part.line], np.int64),
            "position": np.array([n for part in parts for n in part.position], np.int64),
        }
    )
    measures = _stacked([part.measures for part in parts], (0, len(MEASURES)))
    embedding = _embedding(parts)
    frame = pd.concat(
        [
            described,
            judged,
            pd.DataFrame(probabilities, columns=[f"{table.PROBABILITY}{name}" for name in classes]),
            pd.DataFrame(measures, columns=list(MEASURES)),
            pd.DataFrame(
                embedding, columns=[f"{table.EMBEDDING}{k}" for k in range(embedding.shape[1])]
            ),
            place,
        ],
        axis=1,
    )
    return frame.sort_values(["time", "file", "line", "position"], ignore_index=True)


def _stacked(arrays: list[np.ndarray], empty: tuple[int, ...], dtype="float32") -> np.ndarray:
    return np.concatenate(arrays) if arrays else np.empty(empty, dtype)


def _probabilities(parts: list[Rows]) -> tuple[list[str], np.ndarray]:
    """The classes of all answers, and N x C with NaN for classes that an answer did not have."""
    answered = (names for part in parts for names in part.answers)
    classes = list(dict.fromkeys(itertools.chain.from_iterable(answered)))
    column = {name: index for index, name in enumerate(classes)}
    matrix = np.full((sum(map(len, parts)), len(classes)), np.nan, np.float32)
    first = 0
    for part in parts:
        for names, (rows, probabilities) in part.answers.items():
            matrix[np.ix_(first + rows, [column[name] for name in names])] = probabilities
        first += len(part)
    return classes, matrix


def _labels(classes: list[str], probabilities: np.ndarray) -> np.ndarray:
    if not len(probabilities):
        return np.array([], str)
    return np.array(classes)[np.nanargmax(probabilities, 1)]


def _embedding(parts: list[Rows]) -> np.ndarray:
    width = next((part.embedding.shape[1] for part in parts if part.embedding is not None), 0)
    matrix = np.full((sum(map(len, parts)), width), np.nan, np.float32)
    first = 0
    for part in parts:
        if part.embedding is not None:
            matrix[first : first + len(part)] = part.embedding
        first += len(part)
    return matrix
