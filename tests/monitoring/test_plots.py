"""The plots of a report: what can be read in each."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.dates import num2date
from matplotlib.text import Text

from monitoring import plots
from tests.monitoring import frames
from tests.monitoring.frames import SINCE, UNTIL, week


def words(figure) -> str:
    """All text of a figure that is to be seen, a line a piece; drawn first, as a reader has it."""
    figure.draw_without_rendering()
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text()]
    return "\n".join(text.get_text() for text in texts)


@pytest.mark.parametrize(
    "figure",
    [
        plots.draw_confidence_over_time(week(300), 0.96),
        plots.draw_share_accepted_over_time(week(300), 0.96),
        plots.draw_drift(frames.drifts("brightness")),
    ],
)
def test_nothing_leaves_a_picture(figure):
    figure.draw_without_rendering()
    outline, page = figure.get_tightbbox(), figure.bbox_inches
    assert page.x0 - 0.01 <= outline.x0 <= outline.x1 <= page.x1 + 0.01
    assert page.y0 - 0.01 <= outline.y0 <= outline.y1 <= page.y1 + 0.01


FRAMES = [
    week(1),
    week(50).assign(time=pd.Timestamp(SINCE)),
    week(50).assign(confidence=0.0),  # all of them strangers
]


@pytest.mark.parametrize("frame", FRAMES)
def test_one_photo_and_one_moment_are_drawn_with_all_that_a_week_has(frame):
    over_time = words(plots.draw_confidence_over_time(frame, 0.96)).splitlines()
    assert {"a photo", "median", "lowest tenth", "threshold 0.96"} <= {*over_time}
    assert "95% interval" in words(plots.draw_share_accepted_over_time(frame, 0.96))


def test_confidence_over_time_shows_each_photo_and_all_of_the_span():
    frame = week(400)
    (axes,) = plots.draw_confidence_over_time(frame, 0.96).axes
    points = axes.lines[0]
    assert len(points.get_xdata()) == 400
    assert points.get_ydata().max() <= 0.9999
    first, last = (num2date(value) for value in axes.get_xlim())
    assert first <= frame["time"].min() <= frame["time"].max() <= last
    assert SINCE - pd.Timedelta("1D") < first < last < UNTIL + pd.Timedelta("1D")


def test_share_accepted_counts_a_photo_at_the_threshold_as_accepted():
    frame = week(4)
    frame["confidence"] = np.array([0.96, 0.97, 0.95, 0.1], np.float32)
    assert "whole time: 50.0%" in words(plots.draw_share_accepted_over_time(frame, 0.96))


@pytest.mark.parametrize(
    ("length", "count", "expected"),
    [("90s", 400, "minute"), ("20h", 400, "hour"), ("7D", 5000, "3 hours"), ("900D", 40, "7 days")],
)
def test_spans_have_a_length_that_people_use(length, count, expected):
    first = pd.Timestamp(2026, 11, 16)
    times = pd.Series(pd.date_range(first, first + pd.Timedelta(length), count))
    middles, name = plots.cut_spans(times)
    assert name == expected
    step = pd.Timedelta(name if name[0].isdigit() else f"1 {name}")
    assert (abs(middles - times) <= step / 2).all()


def test_drift_shows_each_property_with_its_means_in_multiples_of_its_bound():
    drifts = frames.drifts("brightness")
    figure = plots.draw_drift(drifts)
    text = words(figure)
    assert {"label mix", "embedding", "violation", "as usual", "bound"} <= {*text.splitlines()}
    assert "brightness\n128 → 81.7" in text
    marks = [line.get_xdata()[0] for line in figure.axes[0].lines[: len(drifts)]]
    assert marks[2] == pytest.approx(1.43 / 0.2)  # what matters is more than chance alone does
    assert all(mark < 1 for number, mark in enumerate(marks) if number != 2)


def test_properties_that_cannot_move_and_those_without_a_bound_are_drawn():
    [item] = frames.drifts("embedding")[-1:]
    still = replace(item, effect=0.0, band=(0.0, 0.0), minimum_effect=0.0, violated=False)
    assert "as usual" in words(plots.draw_drift([still]))
