"""Results as a file: JSON lines or CSV, by its name; whole, or not there."""

import csv
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from scripts.cli import UserError

COLUMNS = (
    "s3_bucket",
    "s3_key",
    "status",
    "label",
    "confidence",
    "inference_id",
    "error",
    "cause",
    "listed",
)
SUFFIXES = (".jsonl", ".csv")

Write = Callable[[dict], None]


@contextmanager
def written(path: Path) -> Iterator[Write]:
    """Give a function that writes a result; the file appears once all of them are written.

    Raises UserError where it cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        try:
            with part.open("w", encoding="utf-8", newline="") as file:
                yield (_csv if path.suffix == ".csv" else _json_lines)(file)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}.") from error


def _json_lines(file: TextIO) -> Write:
    def write(result: dict) -> None:
        known = {name: result[name] for name in COLUMNS if name in result}
        file.write(json.dumps(known, ensure_ascii=False) + "\n")

    return write


def _csv(file: TextIO) -> Write:
    writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore")
    writer.writeheader()
    return writer.writerow
