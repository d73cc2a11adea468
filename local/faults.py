"""Faults that a person or a test tells the running local cloud of.

They stand in a small file of its folder, which the server looks at (see lambda_runtime/faults.py).
A local cloud starts without any.
"""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = "faults.json"
MOST_AT_ONCE = 1000  # AWS's own, without any fault


class FaultsError(ValueError):
    """A value that is none; the message is one line."""


@dataclass(frozen=True)
class Faults:
    """What Lambda does not do as it should."""

    lambda_concurrency: int | None = None  # invocations at once, of all functions together
    lambda_failures: float = 0  # percent of the invocations

    def __str__(self) -> str:
        lines = []
        if self.lambda_concurrency is not None:
            lines.append(f"Lambda throttles beyond {self.lambda_concurrency} invocations at once")
        if self.lambda_failures:
            lines.append(f"Lambda fails {self.lambda_failures:g}% of the invocations")
        return "\n".join(lines) or "no faults"


def parse(concurrency: str | None, failures: str | None) -> Faults:
    """The faults that the options of the command name. Raises FaultsError."""
    if concurrency is not None and not (
        re.fullmatch("[0-9]+", concurrency) and 1 <= int(concurrency) <= MOST_AT_ONCE
    ):
        raise FaultsError(
            f"--lambda-concurrency must be a whole number from 1 to {MOST_AT_ONCE}, "
            f"not {concurrency!r}"
        )
    if failures is not None and not (
        re.fullmatch(r"[0-9]+(\.[0-9]+)?", failures) and float(failures) <= 100
    ):
        raise FaultsError(f"--lambda-failures must be a number from 0 to 100, not {failures!r}")
    return Faults(int(concurrency) if concurrency else None, float(failures or 0))


def write(home: Path, faults: Faults) -> None:
    """Tell the local cloud of these faults and no others, from its next invocation on."""
    new = home / f"{FILE}.new"
    new.write_text(json.dumps(asdict(faults)))
    new.rename(home / FILE)


def read(home: Path) -> Faults:
    """The faults that the local cloud was told of."""
    try:
        return Faults(**json.loads((home / FILE).read_text()))
    except FileNotFoundError:
        return Faults()


def forget(home: Path) -> None:
    """Go on without faults."""
    (home / FILE).unlink(missing_ok=True)
