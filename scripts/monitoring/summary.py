"""What was loaded, in the words of a terminal."""

from collections.abc import Iterator

import numpy as np

from scripts.monitoring import table
from scripts.monitoring.captures import Loaded

NAMED = 5  # of what could not be read: the first
NAME_WIDTH = 60
BAR_WIDTH = 24


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
