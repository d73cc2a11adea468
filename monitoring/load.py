"""`python -m scripts.monitor load`: captures into one table, and what is in it."""

import contextlib
import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from monitoring import captures, embedding, table
from monitoring.captures import Loaded
from monitoring.embedding import Model
from monitoring.files import Span
from service import config, options, terminal
from service.hosting import Hosting
from service.stack import Cloud, find_stack
from service.terminal import UserError

UNITS = {"h": "hours", "d": "days"}

NAMED = 5  # of the records that could not be read: the first ones


class Time(click.ParamType):
    """An ISO date, which stands for its midnight, or time, UTC unless it says otherwise; an age."""

    name = "time"

    def convert(self, value, param, ctx):
        """Return the moment."""
        time = None
        with contextlib.suppress(ValueError, OverflowError):
            if age := re.fullmatch(r"(\d+)([hd])", value):
                time = datetime.now(UTC) - timedelta(**{UNITS[age[2]]: int(age[1])})
            else:
                time = datetime.fromisoformat(value)
                time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
        if time is None or time.year not in captures.CENTURY:
            examples = "2026-11-03, 2026-11-03T14:30, 24h or 7d"
            self.fail(f"{value!r} is no time: write {examples}.", param, ctx)
        return time


OPTIONS = (
    click.argument("source", required=False, type=options.PathOrUri()),
    click.option("--since", type=Time(), help="an ISO date or time, UTC, or an age: 24h, 7d"),
    click.option("--until", type=Time(), help="the same; what happened then is left out"),
    click.option("--endpoint", metavar="NAME", help="whose captures (default: the stage's)"),
    click.option(
        "--model",
        metavar="MODEL",
        type=options.PathOrUri(),
        help="model.tar.gz, in S3 or here, or a folder, for the embedding (default: the "
        "endpoint's; for a source that is named, only with --endpoint)",
    ),
    click.option("--no-embedding", is_flag=True, help="ask no model, which is much faster"),
    options.stage,
)


@dataclass(frozen=True)
class Selection:
    """Which captures, and which model: the options of `select_captures`."""

    source: str | None
    since: datetime | None
    until: datetime | None
    endpoint: str | None
    model: str | None
    no_embedding: bool
    stage: str


def select_captures(command: Callable) -> Callable:
    """Give a command the options that choose captures and a model, as its first argument."""

    @functools.wraps(command)
    def run(source, since, until, endpoint, model, no_embedding, stage, **others):
        if model and no_embedding:
            raise click.UsageError("Give --model or --no-embedding.")
        if since and until and since >= until:
            raise click.UsageError("--since must be before --until.")
        selection = Selection(source, since, until, endpoint, model, no_embedding, stage)
        return command(selection, **others)

    for option in reversed(OPTIONS):
        run = option(run)
    return run


@terminal.command("load", example="--since 24h --output captures.parquet")
@select_captures
@click.option(
    "--output",
    metavar="FILE",
    type=options.OutputFile(".parquet"),
    help="write the table to this .parquet",
)
def main(selection: Selection, output: Path | None) -> None:
    """Read what the endpoint was asked and answered into one table, a row an image.

    SOURCE is s3://bucket/prefix, a folder or a file; without it, the endpoint's captures.
    """
    source, model = choose(selection)
    loaded = load(source, model, selection)
    if not (loaded.records or loaded.unreadable):
        span = Span(selection.since, selection.until)
        raise UserError(f"There are no captures {span} in {source}.")
    if not len(loaded.frame):
        raise UserError(f"None of the records in {source} could be read: the lines above.")
    if output:
        loaded.frame.to_parquet(output, index=False)
        rows, columns = loaded.frame.shape
        terminal.print_line("Written", f"{output}, {rows:,} rows of {columns} columns")


def load(source: str, model: Model | None, selection: Selection) -> Loaded:
    """Load the span that was selected, and print what is in it."""
    terminal.print_line("Source", source)
    if model:
        embeds = model.name if model.graph else f"{model.name} has none: train it anew"
        terminal.print_line("Embedding", embeds)
    loaded = captures.load(source, selection.since, selection.until, model=model)
    for label, text in summarize(loaded):
        terminal.print_line(label, text)
    return loaded


def choose(selection: Selection) -> tuple[str, Model | None]:
    """Return the source, and the model unless none is asked for."""
    source, endpoint = selection.source, selection.endpoint
    if source and (selection.no_embedding or not endpoint):
        return source, _read_model(selection.model)
    cloud = Cloud()
    stack = find_stack(cloud, selection.stage)
    endpoint = endpoint or stack.endpoint
    source = source or f"s3://{stack.bucket}/capture/{endpoint}/"
    if selection.model or selection.no_embedding:
        return source, _read_model(selection.model)
    service = config.service_name(selection.stage)
    served = Hosting(cloud.client("sagemaker"), service, endpoint).served_model()
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


def summarize(loaded: Loaded) -> Iterator[tuple[str, str]]:
    """Yield label and text of each line; a label is empty where the one above goes on."""
    frame, unreadable = loaded.frame, loaded.unreadable
    counts = {"file": loaded.files, "record": loaded.records, "image": len(frame)}
    yield "Read", ", ".join(count(number, noun) for noun, number in counts.items())
    if len(frame):
        first, last = frame["time"].min(), frame["time"].max()
        yield "Span", f"{first:%Y-%m-%d %H:%M:%S} to {last:%Y-%m-%d %H:%M:%S} UTC"
        shares = frame["label"].value_counts(normalize=True)
        yield "Labels", ", ".join(f"{label} {share:.1%}" for label, share in shares.items())
        low, middle = frame["confidence"].quantile((0.05, 0.5))
        mean = frame["confidence"].mean()
        yield (
            "Confidence",
            f"mean {mean:.4f}, median {middle:.4f}, one in twenty below {low:.4f}",
        )
        means = frame[[*table.FEATURES]].dropna().mean()
        texts = [f"mean {name} {value:.3g}" for name, value in means.dropna().items()]
        without = int(frame[table.FEATURES[0]].isna().sum())
        texts += [f"{without:,} answers without an image that could be looked at"] * (without > 0)
        yield "Images", ", ".join(texts)
    for number, fault in enumerate(unreadable[:NAMED]):
        place = f"{fault.file} line {fault.line}" if fault.line else fault.file
        yield "" if number else "Unreadable", f"{place}: {fault.reason}"
    if len(unreadable) > NAMED:
        yield "", f"… and {len(unreadable) - NAMED:,} more"
    if loaded.empty:
        yield "Empty", f"{count(len(loaded.empty), 'file')}, such as {loaded.empty[0]}"


def count(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
