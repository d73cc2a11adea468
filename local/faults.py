"""Faults of the running local cloud, which a person or a test asks for.

They stand in a small file among its temporary ones, which the server looks at (see
lambda_runtime/faults.py). A local cloud starts without any.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

MOST_AT_ONCE = 1000  # AWS's own limit, without any fault


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


def write(home: Path, faults: Faults) -> None:
    """Give the local cloud these faults and no others, from its next invocation on."""
    new = _file(home).with_suffix(".new")
    new.write_text(json.dumps(asdict(faults)))
    new.rename(_file(home))


def read(home: Path) -> Faults:
    """The faults of the local cloud."""
    try:
        return Faults(**json.loads(_file(home).read_text()))
    except FileNotFoundError:
        return Faults()


def _file(home: Path) -> Path:
    return home / "tmp" / "faults.json"
