"""The monitoring report as one HTML file that opens anywhere: no network, no script, no fonts."""

import base64
import io
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import jinja2
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from PIL import Image

from monitoring import plots, table
from monitoring.accuracy import summarize_classes
from monitoring.assessment import Report
from monitoring.drift import title
from monitoring.files import Unreadable

PHOTOS_SHOWN = 30

ReadImage = Callable[[str, int, int], Image.Image]


def render(
    report: Report,
    frame: pd.DataFrame,
    baseline: pd.DataFrame | None,
    read_image: ReadImage,
    unreadable: Sequence[Unreadable] = (),
) -> str:
    """Return a report on the photos of `frame` as HTML.

    baseline: its photos. read_image: gives the image of a row's file, line and position.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,  # labels, file names and reasons come from outside
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["uri"] = _encode
    names = ", ".join(title(violation.name) for violation in report.violations)
    return environment.get_template("report.html").render(
        report=report,
        verdict=f"Violation: {names}" if names else report.status.capitalize(),
        plots=list(_draw_plots(report, frame)),
        baseline=baseline is not None,
        classes=summarize_classes(frame, report.threshold, baseline),
        tiles=list(list_least_confident(frame, read_image)),
        unreadable=unreadable,
        written=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
    )


def list_least_confident(frame: pd.DataFrame, read_image: ReadImage) -> Iterator[tuple]:
    """Yield the photos that the model was least sure of, each once, the least sure first.

    It is also sure of a photo of which it is sure that it shows none of the classes. Of each: its
    row as `itertuples` gives it, its image, and if that is None, why.
    """
    sureness = np.maximum(frame["confidence"], table.no_class(frame))
    chosen = frame.iloc[np.argsort(sureness, kind="stable")].drop_duplicates("image_id")
    for row in chosen.head(PHOTOS_SHOWN).itertuples():
        try:
            yield row, read_image(row.file, row.line, row.position), ""
        except (OSError, ValueError) as error:
            yield row, None, str(error)


def _draw_plots(report: Report, frame: pd.DataFrame) -> Iterator[tuple[str, str, str, Figure]]:
    """Yield each plot with its title, how to read it, and in words what it shows."""
    threshold = report.threshold
    if len(frame):
        yield (
            "Confidence over time",
            "Each dot is a photo. The scale stretches the top: a step up is ten times less doubt. "
            "What lies below the dashed threshold went to review.",
            f"Median confidence {frame['confidence'].median():.3f}, threshold {threshold:g}.",
            plots.draw_confidence_over_time(frame, threshold),
        )
        yield (
            "Share accepted over time",
            "The share of photos at or above the threshold. The band is where the true share lies "
            "19 times in 20: it is wide where there were few photos.",
            f"{report.share_accepted:.1%} of all photos were accepted.",
            plots.draw_share_accepted_over_time(frame, threshold),
        )
    if report.drifts:
        yield (
            "Drift from the baseline",
            "A mark is how far a property moved; below its name stand its means, before and now. "
            "The grey bar is how far chance alone moves it. From the dashed bound on it is a "
            "violation: more than chance, and enough to matter.",
            "; ".join(
                f"{title(drift.name)} moved by {drift.effect:.3g} {drift.unit}, {drift.verdict}"
                for drift in report.drifts
            ),
            plots.draw_drift(report.drifts),
        )


@plots.styled
def _encode(picture: Figure | Image.Image) -> str:
    """Return a picture as a data URI."""
    file, kind = io.BytesIO(), "png"
    if isinstance(picture, Figure):
        kind = "svg+xml"
        picture.savefig(file, format="svg", dpi=200, metadata={"Date": None})
    else:
        picture.save(file, "PNG")
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}"
