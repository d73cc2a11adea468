"""`python -m scripts.monitor load`: captures into one table, and what is in it."""

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from pathlib import Path

import click

from monitoring import captures, embedding, files
from monitoring.captures import Loaded
from monitoring.embedding import Model
from monitoring.files import Span, Unreadable
from service import options, terminal
from service.hosting import Hosting
from service.stack import Cloud, Stack, find_stack
from service.terminal import UserError

UNREADABLE_SHOWN = 5  # the first ones


class Time(click.ParamType):
    """An ISO date, which stands for its midnight, or time, UTC unless it says otherwise; an age."""

    name = "time"

    def convert(self, value, param, ctx):
        """Return the moment."""
        try:
            if age := re.fullmatch(r"(\d+)([hd])", value):
                hours = int(age[1]) * (24 if age[2] == "d" else 1)
                return files.parse_time(f"{datetime.now(UTC) - timedelta(hours=hours)}")
            return files.parse_time(value)
        except (ValueError, OverflowError):
            examples = "2026-11-03, 2026-11-03T14:30, 24h or 7d"
            self.fail(f"{value!r} is no time: write {examples}.", param, ctx)


@dataclass(frozen=True)
class Selection:
    """Which captures of which stage. AWS is asked only for what is used."""

    source: str | None
    span: Span
    no_embedding: bool
    stage: str

    @cached_property
    def cloud(self) -> Cloud:
        """The account that the environment points to."""
        return Cloud()

    @cached_property
    def stack(self) -> Stack:
        """The stage's stack."""
        return find_stack(self.cloud, self.stage)

    @cached_property
    def hosting(self) -> Hosting:
        """The stage's endpoint."""
        return Hosting(self.cloud.client("sagemaker"), self.stack.endpoint)

    @cached_property
    def place(self) -> str:
        """Where the captures lie."""
        return self.source or f"s3://{self.stack.bucket}/capture/{self.stack.endpoint}/"

    @cached_property
    def model(self) -> Model | None:
        """The model that the endpoint serves, unless it serves none or none is wanted."""
        if self.no_embedding:
            return None
        uri = self.hosting.served_model()
        if uri is None:
            name = self.stack.endpoint
            terminal.warn(f"The endpoint {name} is not in service: no embedding without its model.")
            return None
        return embedding.fetch(self.cloud.client("s3"), uri)

    def load(self) -> Loaded:
        """Load the captures, and print what is in them."""
        terminal.print_line("Source", self.place)
        if model := self.model:
            name = model.name if model.embed else f"{model.name} has no embedding: not compared"
            terminal.print_line("Embedding", name)
        loaded = captures.load(self.place, self.span.since, self.span.until, model)
        _print(loaded)
        return loaded


def _print(loaded: Loaded) -> None:
    frame = loaded.frame
    terminal.print_line(
        "Read", f"files {loaded.files:,}, records {loaded.records:,}, photos {len(frame):,}"
    )
    if len(frame):
        first, last = (f"{time:%Y-%m-%d %H:%M:%S}" for time in frame["time"].agg(["min", "max"]))
        terminal.print_line("Span", f"{first} to {last} UTC")
    print_unreadable(loaded.unreadable)


def print_unreadable(unreadable: list[Unreadable]) -> None:
    """Print the first of the lines that could not be read, and how many more there are."""
    for number, fault in enumerate(unreadable[:UNREADABLE_SHOWN]):
        terminal.print_line("" if number else "Unreadable", fault)
    if len(unreadable) > UNREADABLE_SHOWN:
        terminal.print_line("", f"… and {len(unreadable) - UNREADABLE_SHOWN:,} more")


place_option = partial(click.option, metavar="PLACE", type=options.parse_place)


def select_captures(command: Callable) -> Callable:
    """Give a command the options that choose captures; its first argument is a Selection."""

    @click.argument("source", required=False, type=options.parse_place)
    @click.option("--since", type=Time(), help="an ISO date or time, UTC, or an age: 24h, 7d")
    @click.option("--until", type=Time(), help="the same; what happened then is left out")
    @click.option("--no-embedding", is_flag=True, help="ask no model, which is much faster")
    @options.stage
    @functools.wraps(command)
    def run(source, since, until, no_embedding, stage, **others):
        if since and until and since >= until:
            raise click.UsageError("--since must be before --until.")
        return command(Selection(source, Span(since, until), no_embedding, stage), **others)

    return run


@terminal.command("load", example="--since 24h --output captures.parquet")
@select_captures
@click.option(
    "--output", metavar="FILE.parquet", type=options.OutputFile(".parquet"), help="for the table"
)
def main(selection: Selection, output: Path | None) -> None:
    """Read what the endpoint was asked and answered into one table, a row a photo.

    SOURCE is s3://bucket/prefix, a folder or a file; without it, the endpoint's captures.
    """
    loaded = selection.load()
    if not (loaded.records or loaded.unreadable):
        raise UserError(f"There are no captures {selection.span} in {selection.place}.")
    if not len(loaded.frame):
        raise UserError(f"None of the records in {selection.place} could be read: the lines above.")
    if output:
        loaded.frame.to_parquet(output, index=False)
        rows, columns = loaded.frame.shape
        terminal.print_line("Written", f"{output}, {rows:,} rows of {columns} columns")
