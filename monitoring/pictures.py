"""All plots of a report, each with its title, how to read it, and its alternative text."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from monitoring import plots, style
from monitoring.findings import Report


@dataclass(frozen=True)
class Picture:
    """A plot for a page: `draw(width)` returns its figure for so many inches.

    `reading` says how to read it, `alt()` what it shows; `half`: it fits beside another.
    """

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
    """Return the plots of a report on `frame`; `baseline` is the baseline's own table."""
    threshold = report.threshold
    before = None if baseline is None else baseline["label"].value_counts().to_dict()
    return [
        Picture(
            "Confidence over time",
            "Each dot is a photo. The scale stretches the top: a step up is ten times less doubt. "
            "What lies below the dashed threshold went to review.",
            lambda: (
                f"Median confidence {frame['confidence'].median():.3f}, threshold {threshold:g}."
            ),
            lambda width: plots.draw_confidence_over_time(frame, threshold, width),
        ),
        Picture(
            "Share accepted over time",
            "The share of photos at or above the threshold. The band is where the true share lies "
            "19 times in 20: it is wide where there were few photos.",
            lambda: f"{style.share(report.share_accepted)} of all photos were accepted.",
            lambda width: plots.draw_share_accepted(frame, threshold, width),
        ),
        Picture(
            "Drift from the baseline",
            "The grey bar is how far photos of the same kind would seem to have moved by chance "
            "alone. A mark to the right of it moved; a diamond moved so far that it matters.",
            lambda: _join(
                f"{item.title} {style.number(item.effect)} {item.unit}, {item.verdict}"
                for item in report.drifts
            ),
            lambda width: plots.draw_drift(report.drifts, width),
        ),
        Picture(
            "Confidence by class",
            "Half of a class's photos lie in its box, nine tenths between the whiskers; the line "
            "in the box is the median. Classes are those that the model named.",
            lambda: _join(
                f"{style.shorten(label)}: median {np.median(values):.3f} of {len(values):,}"
                for label, values in plots.group_by_label(frame).items()
            ),
            lambda width: plots.draw_confidence_by_class(frame, threshold, width),
            half=True,
        ),
        Picture(
            "Label mix",
            "How often the model named each class, now and in the baseline. Whiskers are 95% "
            "intervals: where they are far apart, the mix has changed.",
            lambda: _join(
                f"{style.shorten(label)} {style.share(share)}"
                for label, share in frame["label"].value_counts(normalize=True).items()
            ),
            lambda width: plots.draw_label_mix(frame, before, width),
            half=True,
        ),
        Picture(
            "Accuracy",
            "What the confidences promise on average, and what labels show where there are any. "
            "A true accuracy below the promise for the same photos means: sure, and wrong.",
            lambda: _join(
                f"{name} {values[0]:.1%}"
                for name, values, _ in plots.list_accuracies(report.accuracy)
            ),
            lambda width: plots.draw_accuracy(report.accuracy, width),
            half=True,
        ),
        Picture(
            "Latency of the endpoint",
            "p99 is what the slowest one of a hundred calls takes. Each step of the scale is a "
            "multiple, so that slow and quick calls can be read together.",
            lambda: f"p99 is at most {max(point[3] for point in latencies):,.0f} ms.",
            lambda width: plots.draw_latency(latencies, width),
            half=True,
        ),
    ]


def _join(parts) -> str:
    return "; ".join(parts) + "."
