"""All pictures of a report, each with its title, how to read it, and its alternative text."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from monitoring import plots, style
from monitoring.findings import Report, title


@dataclass(frozen=True)
class Picture:
    """A picture for a page: `draw(width)` returns its figure for so many inches.

    `reading` says how to read it, `alt()` what is to be seen; `half`: it fits beside another.
    """

    name: str
    title: str
    reading: str
    alt: Callable[[], str]
    draw: Callable[[float], Figure]
    half: bool = False

    @property
    def width(self) -> float:
        """The width in inches on a wide page."""
        return style.HALF if self.half else style.WIDE


def list_pictures(
    report: Report,
    frame: pd.DataFrame,
    baseline: pd.DataFrame | None = None,
    latencies: Sequence[plots.Datapoint] = (),
) -> list[Picture]:
    """Return the pictures of a report on `frame`; `baseline` is the baseline's own table."""
    threshold = report.threshold
    then = None if baseline is None else baseline["label"].value_counts().to_dict()
    return [
        Picture(
            "confidence-over-time",
            "Confidence over time",
            "Each dot is an image. The scale stretches the top: a step up is ten times less doubt. "
            "What lies below the dashed threshold went to review.",
            lambda: _confidence(frame, threshold),
            lambda width: plots.draw_confidence_over_time(frame, threshold, width),
        ),
        Picture(
            "share-accepted",
            "Share accepted over time",
            "The share of images at or above the threshold. The band is where the true share lies "
            "19 times in 20: it is wide where there were few images.",
            lambda: _accepted(report),
            lambda width: plots.draw_share_accepted(frame, threshold, width),
        ),
        Picture(
            "drift",
            "Drift from the baseline",
            "The grey bar is how far images of the same kind would seem to have moved by chance "
            "alone. A mark to the right of it moved; a diamond moved so far that it matters.",
            lambda: _drift(report),
            lambda width: plots.draw_drift(report.drifts, width),
        ),
        Picture(
            "confidence-by-class",
            "Confidence by class",
            "Half of a class's images lie in its box, nine tenths between the whiskers; the line "
            "in the box is the median. Classes are those that the model named.",
            lambda: _by_class(frame, threshold),
            lambda width: plots.draw_confidence_by_class(frame, threshold, width),
            half=True,
        ),
        Picture(
            "label-mix",
            "Label mix",
            "How often the model named each class, now and in the baseline. Whiskers are 95% "
            "intervals: where they are far apart, the mix has changed.",
            lambda: _mix(frame, then),
            lambda width: plots.draw_label_mix(frame, then, width),
            half=True,
        ),
        Picture(
            "accuracy",
            "Accuracy",
            "What the confidences promise on average, and what labels show where there are any. "
            "A true accuracy below the promise for the same images means: sure, and wrong.",
            lambda: _accuracy(report),
            lambda width: plots.draw_accuracy(report.accuracy, width),
            half=True,
        ),
        Picture(
            "reliability",
            "Reliability",
            "On the dashed line a confidence is what it says: of images at 90%, 90% are right. "
            "Below it the model is too sure. Small numbers count images.",
            lambda: _reliability(report),
            lambda width: plots.draw_reliability(report.accuracy, width),
            half=True,
        ),
        Picture(
            "latency",
            "Latency of the endpoint",
            "p99 is what the slowest one of a hundred calls takes. Each step of the scale is a "
            "multiple, so that slow and quick calls can be read together.",
            lambda: _latency(latencies),
            lambda width: plots.draw_latency(latencies, width),
        ),
    ]


def _confidence(frame: pd.DataFrame, threshold: float) -> str:
    middle = frame["confidence"].median()
    return f"{style.images(len(frame))}: median confidence {middle:.3f}, threshold {threshold:g}."


def _accepted(report: Report) -> str:
    return f"{style.share(report.share_accepted)} of all images were accepted."


def _drift(report: Report) -> str:
    parts = [
        f"{style.shorten(title(item.name))} {style.number(item.effect)} {item.unit}, "
        f"{plots.verdict(item)}"
        for item in report.drifts
    ]
    return "; ".join(parts) + "."


def _by_class(frame: pd.DataFrame, threshold: float) -> str:
    parts = [
        f"{style.shorten(label)}: median {pd.Series(values).median():.3f} of {len(values):,}"
        for label, values in plots.by_label(frame).items()
    ]
    return "; ".join(parts) + f". Threshold {threshold:g}."


def _mix(frame: pd.DataFrame, then: dict[str, int] | None) -> str:
    before = {label: count / sum(then.values()) for label, count in (then or {}).items()}
    parts = [
        f"{style.shorten(label)} {style.share(share)}"
        + (f", {style.share(before.get(label, 0))} in the baseline" if before else "")
        for label, share in frame["label"].value_counts(normalize=True).items()
    ]
    return "; ".join(parts) + "."


def _accuracy(report: Report) -> str:
    text = f"Promised by confidence: {report.accuracy.expected:.1%}"
    if report.accuracy.true is not None:
        labelled = style.images(report.accuracy.labelled)
        text += f"; true: {report.accuracy.true:.1%} of {labelled} with a label"
    return f"{text}."


def _reliability(report: Report) -> str:
    bins = report.accuracy.reliability
    return (
        "; ".join(f"{bin.confidence:.0%} confident, {bin.accuracy:.0%} right" for bin in bins) + "."
    )


def _latency(latencies: Sequence[plots.Datapoint]) -> str:
    highest = max(point[3] for point in latencies)
    middle = pd.Series([point[1] for point in latencies]).median()
    return f"Half of the calls take {style.number(middle)} ms, p99 is at most {highest:,.0f} ms."
