"""`python -m scripts.monitor load`: captures into one table, and what is in it."""

import argparse
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from monitoring import captures, embedding, table
from monitoring.captures import Loaded, Unreadable
from monitoring.embedding import Model
from monitoring.files import Span, check_place
from service import config, terminal
from service.hosting import Hosting
from service.stack import Cloud, find_stack

FORMULA = r"^(?=[=+\-@\t\r])"  # what spreadsheets would take a text that begins so for

UNITS = {"h": "hours", "d": "days"}

NAMED = 5  # of the records that could not be read: the first ones
NAME_WIDTH = 60


def parser() -> argparse.ArgumentParser:
    """Return the parser of `load`."""
    result = terminal.parser(
        "monitor load",
        "Read what the endpoint was asked and answered into one table, a row an image.",
        "--since 24h --output captures.parquet",
    )
    add_source(result)
    result.add_argument(
        "--output",
        type=_parse_output,
        metavar="FILE",
        help="write the table: .parquet or .csv",
    )
    return result


def add_source(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that choose captures and a model."""
    parser.add_argument(
        "source",
        nargs="?",
        type=check_place,
        help="s3://bucket/prefix, a folder or a file (default: the endpoint's captures)",
    )
    parser.add_argument(
        "--since",
        type=parse_time,
        metavar="TIME",
        help="an ISO date or time (UTC), or 24h, 7d",
    )
    parser.add_argument(
        "--until", type=parse_time, metavar="TIME", help="the same; what happened then is left out"
    )
    parser.add_argument(
        "--endpoint", metavar="NAME", help="whose captures and model (default: the stage's)"
    )
    model = parser.add_mutually_exclusive_group()
    model.add_argument(
        "--model",
        metavar="MODEL",
        type=check_place,
        help="model.tar.gz, in S3 or here, or a folder, for the embedding (default: the "
        "endpoint's; for a source that is named, only with --endpoint)",
    )
    model.add_argument(
        "--no-embedding", action="store_true", help="ask no model, which is much faster"
    )


def parse_time(text: str) -> datetime:
    """Parse an ISO date or time, UTC unless it says otherwise, or an age: 24h, 7d (argparse type).

    A date stands for its midnight.
    """
    try:
        if age := re.fullmatch(r"(\d+)([hd])", text):
            time = datetime.now(UTC) - timedelta(**{UNITS[age[2]]: int(age[1])})
        else:
            time = datetime.fromisoformat(text)
            time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
        if time.year in captures.CENTURY:
            return time
    except (ValueError, OverflowError):
        pass
    raise argparse.ArgumentTypeError(
        f"{text!r} is no time: write 2026-11-03, 2026-11-03T14:30, 24h or 7d"
    )


def run(arguments: argparse.Namespace) -> None:
    """Load, say what was found, and write it. UserError where there is nothing."""
    source, model = choose(arguments)
    loaded = load(source, model, arguments)
    if not (loaded.records or loaded.unreadable):
        span = Span(arguments.since, arguments.until)
        raise terminal.UserError(f"There are no captures {span} in {source}.")
    if not len(loaded.frame):
        raise terminal.UserError(f"None of the records in {source} could be read: the lines above.")
    if arguments.output:
        write(loaded.frame, arguments.output)
        rows, columns = loaded.frame.shape
        terminal.say("Written", f"{arguments.output}, {rows:,} rows of {columns} columns")


def write(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as .parquet or .csv, in which texts never are formulas."""
    if path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
        return
    texts = ("image_id", "label", "file")
    safe = {name: frame[name].str.replace(FORMULA, "'", regex=True) for name in texts}
    frame.assign(**safe).to_csv(path, index=False)


def load(source: str, model: Model | None, arguments: argparse.Namespace) -> captures.Loaded:
    """Load the span that the arguments of `add_source` choose, and say what is in it."""
    span = Span(arguments.since, arguments.until)
    if arguments.since and arguments.until and arguments.since >= arguments.until:
        raise terminal.UserError("--since must be before --until.")
    terminal.say("Source", source)
    if model:
        known = model.name if model.graph else f"{model.name} has none: train it anew"
        terminal.say("Embedding", known)
    loaded = captures.load(source, span.since, span.until, model=model)
    for label, text in summarize(loaded):
        terminal.say(label, text)
    return loaded


def choose(arguments: argparse.Namespace) -> tuple[str, Model | None]:
    """Return the source, and the model unless none is asked for."""
    if arguments.source and (arguments.no_embedding or not arguments.endpoint):
        return arguments.source, _read_model(arguments.model)
    cloud = Cloud()
    stack = find_stack(cloud, arguments.stage)
    endpoint = arguments.endpoint or stack.endpoint
    source = arguments.source or f"s3://{stack.bucket}/capture/{endpoint}/"
    if arguments.model or arguments.no_embedding:
        return source, _read_model(arguments.model)
    hosting = Hosting(cloud.client("sagemaker"), config.service_name(arguments.stage), endpoint)
    served = hosting.served_model()
    if served is None:
        terminal.warn(f"The endpoint {endpoint} is not in service: no embedding without its model.")
        return source, None
    return source, embedding.fetch(cloud.client("s3"), served)


def _read_model(model: str | None) -> Model | None:
    if model is None:
        return None
    if model.startswith("s3://"):
        return embedding.fetch(Cloud().client("s3"), model)
    return embedding.read(Path(model))


def _parse_output(text: str) -> Path:
    path = Path(text)
    if path.suffix not in (".parquet", ".csv"):
        raise argparse.ArgumentTypeError(f"{text!r} is neither .parquet nor .csv")
    if not path.resolve().parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {path.parent}")
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"{path} is a folder: name a file")
    return path


def summarize(loaded: Loaded) -> Iterator[tuple[str, str]]:
    """Yield label and text of each line; a label is empty where the one above goes on."""
    frame = loaded.frame
    records = count(loaded.records, "record")
    yield "Read", f"{count(loaded.files, 'file')}, {records}, {count(len(frame), 'image')}"
    if len(frame):
        first, last = frame["time"].min(), frame["time"].max()
        yield "Span", f"{first:%Y-%m-%d %H:%M:%S} to {last:%Y-%m-%d %H:%M:%S} UTC"
        yield from _label("Labels", _labels(frame))
        confidence = frame["confidence"].to_numpy(np.float64)
        low, middle = np.percentile(confidence, (5, 50))
        yield (
            "Confidence",
            f"mean {confidence.mean():.4f}, median {middle:.4f}, one in twenty below {low:.4f}",
        )
        yield from _label("Images", _features(frame))
    if loaded.unreadable:
        yield from _label("Unreadable", _unreadable(loaded.unreadable, records))
    if loaded.empty:
        more = f" and {len(loaded.empty) - 1:,} more" if len(loaded.empty) > 1 else ""
        yield "Empty", f"{count(len(loaded.empty), 'file')}: {_short(loaded.empty[0])}{more}"


def count(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _label(label: str, texts: Iterator[str]) -> Iterator[tuple[str, str]]:
    for text in texts:
        yield label, text
        label = ""


def _labels(frame: pd.DataFrame) -> Iterator[str]:
    counts = frame["label"].value_counts()
    width = max(map(len, counts.index))
    for label, number in counts.items():
        yield f"{label:<{width}}  {number:>9,}  {number / len(frame):>6.1%}"


def _features(frame: pd.DataFrame) -> Iterator[str]:
    measured = frame[[*table.FEATURES]].dropna()
    if len(measured):
        yield "mean " + ", ".join(f"{name} {measured[name].mean():.3g}" for name in table.FEATURES)
    if len(measured) < len(frame):
        yield f"{len(frame) - len(measured):,} answers without an image that could be looked at"


def _unreadable(unreadable: list[Unreadable], records: str) -> Iterator[str]:
    yield f"{len(unreadable):,}, not among the {records} above"
    for fault in unreadable[:NAMED]:
        place = f" line {fault.line}" if fault.line else ""
        yield f"{_short(fault.file)}{place}: {fault.reason}"
    if len(unreadable) > NAMED:
        yield f"… and {len(unreadable) - NAMED:,} more"


def _short(name: str) -> str:
    return name if len(name) <= NAME_WIDTH else f"…{name[1 - NAME_WIDTH :]}"
