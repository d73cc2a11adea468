"""`python -m scripts.monitor load`: captures into one table, and what is in it."""

import argparse
from pathlib import Path

from scripts import cli, config
from scripts.cloud import Cloud, find_stack
from scripts.hosting import Hosting
from scripts.monitoring import captures, embedding, summary
from scripts.monitoring.embedding import Model
from scripts.monitoring.span import Span, moment

WRITERS = {
    ".parquet": lambda frame, path: frame.to_parquet(path, index=False),
    ".csv": lambda frame, path: frame.to_csv(path, index=False),
}


def parser() -> argparse.ArgumentParser:
    """Return the parser of `load`."""
    result = cli.parser(
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
        raise cli.UserError(f"There are no captures {span} in {source}.")
    if not len(loaded.frame):
        raise cli.UserError(f"None of the records in {source} could be read: the lines above.")
    if arguments.output:
        WRITERS[arguments.output.suffix](loaded.frame, arguments.output)
        rows, columns = loaded.frame.shape
        cli.say("Written", f"{arguments.output}, {rows:,} rows of {columns} columns")


def load(source: str, model: Model | None, arguments: argparse.Namespace) -> captures.Loaded:
    """Load the span that the arguments of `add_source` choose, and say what is in it."""
    span = Span(arguments.since, arguments.until)
    if arguments.since and arguments.until and arguments.since >= arguments.until:
        raise cli.UserError("--since must be before --until.")
    cli.say("Source", source)
    if model:
        known = model.name if model.graph else f"{model.name} has none: train it anew"
        cli.say("Embedding", known)
    loaded = captures.load(source, span.since, span.until, model=model)
    for label, text in summary.lines(loaded):
        cli.say(label, text)
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
        cli.warn(f"The endpoint {endpoint} is not in service: no embedding without its model.")
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
