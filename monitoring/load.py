"""`python -m scripts.monitor load`: captures into one table, and what is in it."""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from monitoring import captures, embedding, table
from monitoring.captures import Loaded
from monitoring.embedding import Model
from monitoring.span import Span, moment
from service import config, terminal
from service.hosting import Hosting
from service.stack import Cloud, find_stack

WRITERS = {
    ".parquet": lambda frame, path: frame.to_parquet(path, index=False),
    ".csv": lambda frame, path: frame.to_csv(path, index=False),
}

NAMED = 5  # of what could not be read: the first
NAME_WIDTH = 60
BAR_WIDTH = 24


def parser() -> argparse.ArgumentParser:
    """Return the parser of `load`."""
    result = terminal.parser(
        "monitor load",
        "Read what the endpoint was asked and answered into one table, a row an image.",
        "--since 24h --output captures.parquet",
    )
    add_source(result)
    result.add_argument(
        "--output", type=_output, metavar="FILE", help="write the table to this .parquet or .csv"
    )
    return result


def add_source(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that choose captures and a model."""
    parser.add_argument(
        "source",
        nargs="?",
        help="s3://bucket/prefix, a folder or a file (default: the endpoint's captures)",
    )
    parser.add_argument(
        "--since", type=moment, metavar="TIME", help="an ISO date or time, UTC, or an age: 24h, 7d"
    )
    parser.add_argument(
        "--until", type=moment, metavar="TIME", help="the same; what happened then is left out"
    )
    parser.add_argument(
        "--endpoint", metavar="NAME", help="whose captures and model (default: the stage's)"
    )
    model = parser.add_mutually_exclusive_group()
    model.add_argument(
        "--model",
        metavar="MODEL",
        help="model.tar.gz, in S3 or here, or a folder, for the embedding (default: the "
        "endpoint's; for a source that is named, only with --endpoint)",
    )
    model.add_argument(
        "--no-embedding", action="store_true", help="ask no model, which is much faster"
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
        WRITERS[arguments.output.suffix](loaded.frame, arguments.output)
        rows, columns = loaded.frame.shape
        terminal.say("Written", f"{arguments.output}, {rows:,} rows of {columns} columns")


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
    for label, text in lines(loaded):
        terminal.say(label, text)
    return loaded


def choose(arguments: argparse.Namespace) -> tuple[str, Model | None]:
    """Return the source, and the model unless none is asked for."""
    if arguments.source and (arguments.no_embedding or not arguments.endpoint):
        return arguments.source, _given(arguments.model)
    cloud = Cloud()
    stack = find_stack(cloud, arguments.stage)
    endpoint = arguments.endpoint or stack.endpoint
    source = arguments.source or f"s3://{stack.bucket}/capture/{endpoint}/"
    if arguments.model or arguments.no_embedding:
        return source, _given(arguments.model)
    hosting = Hosting(cloud.client("sagemaker"), config.service_name(arguments.stage), endpoint)
    served = hosting.served_model()
    if served is None:
        terminal.warn(f"The endpoint {endpoint} is not in service: no embedding without its model.")
        return source, None
    return source, embedding.fetch(cloud.client("s3"), served)


def _given(model: str | None) -> Model | None:
    if model is None:
        return None
    if model.startswith("s3://"):
        return embedding.fetch(Cloud().client("s3"), model)
    return embedding.read(Path(model))


def _output(text: str) -> Path:
    path = Path(text)
    if path.suffix not in WRITERS:
        raise argparse.ArgumentTypeError(f"{text!r} is neither .parquet nor .csv")
    if not path.resolve().parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {path.parent}")
    return path


def lines(loaded: Loaded) -> Iterator[tuple[str, str]]:
    """Yield label and text of each line; a label is empty where the one above goes on."""
    frame = loaded.frame
    yield "Read", _read(loaded)
    if len(frame):
        first, last = frame["time"].min(), frame["time"].max()
        yield "Span", f"{first:%Y-%m-%d %H:%M:%S} to {last:%Y-%m-%d %H:%M:%S} UTC"
        yield from _headed("Labels", _labels(loaded))
        confidence = frame["confidence"].to_numpy(np.float64)
        low, middle = np.percentile(confidence, (5, 50))
        yield (
            "Confidence",
            f"mean {confidence.mean():.4f}, median {middle:.4f}, one in twenty below {low:.4f}",
        )
        yield from _headed("Images", _features(loaded))
    yield from _headed("Unreadable", _unreadable(loaded))
    yield from _headed("Empty", _empty(loaded))


def counted(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _headed(label: str, texts: Iterator[str]) -> Iterator[tuple[str, str]]:
    for text in texts:
        yield label, text
        label = ""


def _read(loaded: Loaded) -> str:
    return ", ".join(
        (
            counted(loaded.files, "file"),
            counted(loaded.records, "record"),
            counted(len(loaded.frame), "image"),
        )
    )


def _labels(loaded: Loaded) -> Iterator[str]:
    counts = loaded.frame["label"].value_counts()
    width = max(map(len, counts.index))
    for label, count in counts.items():
        share = count / len(loaded.frame)
        bar = "█" * max(1, round(share * BAR_WIDTH))
        yield f"{label:<{width}}  {count:>9,}  {share:>6.1%}  {bar}"


def _features(loaded: Loaded) -> Iterator[str]:
    frame = loaded.frame
    pictured = frame[frame["width"].notna()]
    without = len(frame) - len(pictured)
    if len(pictured):
        sizes = pictured.value_counts(["width", "height"])
        width, height = map(int, sizes.index[0])
        others = f" and {counted(len(sizes) - 1, 'other size')}" if len(sizes) > 1 else ""
        yield f"{width} x {height} pixels{others}"
        means = (f"{name} {pictured[name].mean():.3g}" for name in table.FEATURES)
        yield f"mean {', '.join(means)}"
    if without:
        yield f"{without:,} answers without an image that could be looked at"


def _unreadable(loaded: Loaded) -> Iterator[str]:
    if not loaded.unreadable:
        return
    yield f"{len(loaded.unreadable):,}, not among the {counted(loaded.records, 'record')} above"
    for fault in loaded.unreadable[:NAMED]:
        place = f" line {fault.line}" if fault.line else ""
        yield f"{_short(fault.file)}{place}: {fault.reason}"
    if len(loaded.unreadable) > NAMED:
        yield f"… and {len(loaded.unreadable) - NAMED:,} more"


def _empty(loaded: Loaded) -> Iterator[str]:
    if loaded.empty:
        more = f" and {len(loaded.empty) - 1:,} more" if len(loaded.empty) > 1 else ""
        yield f"{counted(len(loaded.empty), 'file')}: {_short(loaded.empty[0])}{more}"


def _short(name: str) -> str:
    return name if len(name) <= NAME_WIDTH else f"…{name[1 - NAME_WIDTH :]}"
