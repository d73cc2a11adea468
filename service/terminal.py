"""The frame of every command: how it runs, errors in one line, lines, tables and progress."""

import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

import click
from rich import box, progress
from rich.console import Console
from rich.table import Table
from rich.text import Text

from handlers.outcomes import STATUSES
from service import aws_errors, config
from service.aws_errors import one_line

LABEL_WIDTH = 11
UNBOUNDED = 100_000  # columns of a file or a pipe: nothing is wrapped there
PLAIN = Console(highlight=False, width=UNBOUNDED, color_system=None)
RULES = box.Box("    \n    \n ── \n    \n ── \n ── \n    \n    \n")

Item = TypeVar("Item")


class UserError(Exception):
    """Something that the person at the terminal can mend. The message says how, in one line."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C while something goes on without the command. The message says what."""


@contextmanager
def explain_interrupt(what: str) -> Iterator[None]:
    """Say after Ctrl-C during the block what goes on without the command."""
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(f"Interrupted. {what}") from None


class Command(click.Command):
    """A command whose help ends with an example, given as the arguments."""

    def __init__(self, *args, example: str, **kwargs):
        super().__init__(*args, **kwargs)
        self.example = example

    def get_short_help_str(self, limit=45):
        """Return the first sentence of the help, however long, for the help of a group."""
        return super().get_short_help_str(200)

    def format_epilog(self, ctx, formatter):
        """Write the example in one line."""
        formatter.write(f"\nexample: {ctx.command_path} {self.example}\n")


class Group(click.Group):
    """A command with sub-commands, which are Commands."""

    command_class = Command


command = partial(click.command, cls=Command)
group = partial(click.group, cls=Group, no_args_is_help=False)  # "Missing command." is an error


def run(
    main: click.Command, arguments: Sequence[str] | None = None, usage_error_code: int = 2
) -> None:
    """Run a command; exit unless it succeeds.

    The exit code is 1 after an error, `usage_error_code` after wrong arguments, 130 after Ctrl-C.
    Errors that a person can mend are one line on stderr; a bug keeps its traceback.
    """
    try:
        # Ctrl-C ended the process while modules were imported (scripts/__init__.py).
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        # Not main.main(), which takes Ctrl-C for itself.
        with main.make_context(
            f"python -m scripts.{main.name}",
            sys.argv[1:] if arguments is None else list(arguments),
            help_option_names=["-h", "--help"],
            max_content_width=100,
            show_default=True,
        ) as context:
            main.invoke(context)
    except click.exceptions.Exit as end:
        sys.exit(end.exit_code)
    except click.UsageError as error:
        _print_error(_explain_usage(error, main.name))
        sys.exit(usage_error_code)
    except KeyboardInterrupt as interrupt:
        _print_error(str(interrupt) or "Interrupted.")
        sys.exit(130)
    except Exception as error:
        message = explain(error)
        if message is None:
            raise
        _print_error(message)
        sys.exit(1)


def _explain_usage(error: click.UsageError, name: str | None) -> str:
    message = one_line(error.format_message(), 400)
    stop = "" if message.endswith((".", "?", "?)")) else "."
    command = error.ctx.command_path if error.ctx else f"python -m scripts.{name}"
    return f"{message}{stop} See {command} --help."


def explain(error: Exception) -> str | None:
    """Return one line that says what to do about the error; None if the error is a bug."""
    if isinstance(error, UserError | config.ConfigError):
        return one_line(str(error), 1000)
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}."
    return aws_errors.explain(error)


def escape(text: str) -> str:
    """Return the text with Python escapes for what is not printable, such as control characters."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )


def print_line(label: str, text: object) -> None:
    """Print one line: a label column, then the text."""
    print(f"{label:<{LABEL_WIDTH}}{escape(str(text))}", flush=True)


def warn(*lines: str) -> None:
    """Print warnings to stderr."""
    print("".join(f"!! {escape(line)}\n" for line in lines), end="", file=sys.stderr, flush=True)


def _print_error(message: str) -> None:
    print(f"error: {escape(message)}", file=sys.stderr, flush=True)


def duration(seconds: float) -> str:
    """Return a time in a unit of its size: 7 ms, 1.24 s, 2 min 05 s, 3 h 07 min, 2.5 days."""
    if seconds < 0.9995:
        return f"{round(seconds * 1000)} ms"
    if seconds < 99.95:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours < 48 else f"{seconds / 86_400:,.1f} days"


def format_counts(counts: Mapping[str, int]) -> str:
    """Return `3 accepted, 1 review, 0 failed` for {status: photos}."""
    return ", ".join(f"{counts.get(status, 0):,} {status}" for status in STATUSES)


class FirstFew:
    """Counts texts and keeps the first few of them: `a, b, c and 9 more`."""

    def __init__(self, texts: Iterable[str] = (), most: int = 3, separator: str = ", "):
        self.count = 0
        self._kept: list[str] = []
        self._most, self._separator = most, separator
        for text in texts:
            self.add(text)

    def add(self, text: str) -> None:
        """Count one more."""
        self.count += 1
        if self.count <= self._most:
            self._kept.append(text)

    def __str__(self):
        more = f" and {self.count - self._most:,} more" if self.count > self._most else ""
        return self._separator.join(self._kept) + more


def table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    right: Sequence[int] = (),
    foot: Iterable[Sequence[str]] = (),
) -> Table:
    """Return a table with rules below header and above foot. right: right-aligned columns."""
    result = Table(box=RULES, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for index, name in enumerate(header):
        result.add_column(name, justify="right" if index in right else "left", overflow="fold")
    for part in (rows, foot):
        for row in part:
            result.add_row(*(Text(escape(cell)) for cell in row))
        result.add_section()
    return result


def results_table(results: Iterable[tuple[str, Mapping]]) -> Table:
    """Return a table of photos, each a name and a result as `classify` gives it."""
    rows = [
        (
            name,
            result["status"],
            result.get("error") or result.get("label", ""),
            f"{result['confidence']:.4f}" if "confidence" in result else "",
        )
        for name, result in results
    ]
    return table(("photo", "status", "label or error", "confidence"), rows, right=(3,))


def show(content: Table) -> None:
    """Print a table: at most as wide as the terminal, in full to a file or a pipe."""
    width = None if sys.stdout.isatty() else UNBOUNDED
    print(render(content, Console(highlight=False, width=width)), flush=True)


def render(content: Table, console: Console = PLAIN) -> str:
    """Return a table as text, plain and in full by default."""
    with console.capture() as captured:
        console.print(content)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


@contextmanager
def progress_bar(label: str, total: float | None = None, unit: str = "") -> Iterator[Callable]:
    """Show a bar on stderr if that is a terminal; yield the function that advances it.

    That function takes the amount, by default 1, and the total once it is known. The unit is a
    noun in the plural, or `B` for bytes.
    """
    amount = (
        progress.DownloadColumn()
        if unit == "B"
        else progress.TextColumn("{task.completed:,.0f}{task.fields[of]} " + unit)
    )
    # FORCE_COLOR, which notebooks set, would draw the bar where no terminal is.
    console = Console(stderr=True, force_terminal=sys.stderr.isatty())
    with progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        amount,
        progress.TimeRemainingColumn(),
        console=console,
        transient=True,
        redirect_stdout=sys.stdout.isatty(),  # else output to a file would go to stderr
        disable=not console.is_terminal,
    ) as bars:
        if context := click.get_current_context(silent=True):
            context.call_on_close(bars.stop)  # if an error leaves `track` unfinished
        task = bars.add_task(label, total=total, of="" if total is None else f" of {total:,}")

        def advance(by: float = 1, total: float | None = None) -> None:
            if total is not None:
                bars.update(task, total=total, of=f" of {total:,}")
            bars.advance(task, by)

        yield advance


def track(
    items: Iterable[Item], label: str, total: float | None = None, unit: str = ""
) -> Iterator[Item]:
    """Yield the items, with a bar that counts them."""
    with progress_bar(label, total, unit) as advance:
        for item in items:
            yield item
            advance()


class Waiting:
    """A status that changes: on a terminal one line that counts seconds, else a line a status."""

    def __init__(self, label: str):
        self._label = label
        self._began = time.monotonic()
        self._status: str | None = None
        self._live = sys.stdout.isatty()

    def show(self, status: str) -> None:
        """Print the status; called at every poll."""
        seconds = time.monotonic() - self._began
        if self._live:
            self.clear()
            print(f"{self._label:<{LABEL_WIDTH}}{status} {seconds:.0f} s", end="", flush=True)
        elif status != self._status:
            print_line(self._label, f"{status} ({seconds:.0f} s)")
        self._status = status

    def clear(self) -> None:
        """Make room for other output."""
        if self._live:
            print("\r\033[K", end="", flush=True)
