"""Pictures of a table over time and by class."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.dates import num2date

from monitoring.plots import style, traffic
from tests.monitoring.frames import SINCE, TEN, UNTIL, VEHICLES, week
from tests.monitoring.pictured import words

DRAWN = {
    "confidence over time": lambda frame, **size: traffic.draw_confidence_over_time(
        frame, 0.96, **size
    ),
    "share accepted": lambda frame, **size: traffic.draw_share_accepted(frame, 0.96, **size),
    "confidence by class": lambda frame, **size: traffic.draw_confidence_by_class(
        frame, 0.96, **size
    ),
    "label mix": lambda frame, **size: traffic.draw_label_mix(frame, {"bicycle": 400}, **size),
}
FRAMES = {
    "usual": week(400),
    "one row": week(1),
    "one class": week(60, ("bicycle",)),
    "ten classes": week(400, TEN),
    "one moment": week(50).assign(time=pd.Timestamp(SINCE)),
    "a class without probabilities": week(30).drop(columns="probability:bicycle"),
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN)
def test_any_table_with_rows_makes_a_picture_of_the_width_asked_for(draw, frame):
    figure = draw(frame, width=style.NARROW)
    assert figure.get_size_inches()[0] == style.NARROW
    assert style.said(figure) is None


@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN)
def test_an_empty_table_makes_a_sentence(draw):
    assert style.said(draw(week(5)[:0])) == "No images in this span of time."


def test_confidence_over_time_shows_each_image_the_threshold_and_all_of_the_span():
    frame = week(400)
    figure = traffic.draw_confidence_over_time(frame, 0.96)
    assert {"an image", "median", "lowest tenth", "threshold 0.96"} <= set(
        words(figure).splitlines()
    )
    (axes,) = figure.axes
    points = axes.lines[0]
    assert len(points.get_xdata()) == 400
    assert points.get_ydata().max() <= 0.9999
    first, last = (num2date(value) for value in axes.get_xlim())
    assert first <= frame["time"].min() <= frame["time"].max() <= last
    assert SINCE - pd.Timedelta("1D") < first < last < UNTIL + pd.Timedelta("1D")


def test_the_running_median_is_the_median_of_each_span():
    frame = week(400)
    frame["confidence"] = np.where(frame["time"] < SINCE + pd.Timedelta("3D"), 0.9, 0.5)
    median = traffic.draw_confidence_over_time(frame, 0.96).axes[0].lines[2]
    assert set(np.round(median.get_ydata(), 3)) == {0.9, 0.5}
    assert median.get_ydata()[0] == pytest.approx(0.9)


def test_share_accepted_counts_an_image_at_the_threshold_as_accepted():
    frame = week(4)
    frame["confidence"] = np.array([0.96, 0.97, 0.95, 0.1], np.float32)
    assert "whole time: 50%" in words(traffic.draw_share_accepted(frame, 0.96))


def test_share_accepted_has_a_band_around_each_span():
    figure = traffic.draw_share_accepted(week(400), 0.96)
    assert "95% interval" in words(figure)
    (band,) = figure.axes[0].collections
    line = figure.axes[0].lines[0]
    assert band.get_paths()[0].contains_points(
        np.column_stack([figure.axes[0].convert_xunits(line.get_xdata()), line.get_ydata()])
    ).mean() == pytest.approx(1, abs=0.3)


def test_confidence_by_class_names_each_class_with_its_share_accepted():
    frame = week(200)
    frame["label"] = ["bicycle"] * 150 + ["motorcycle"] * 50
    frame["confidence"] = np.float32(0.99)
    frame.loc[frame.index[150:], "confidence"] = np.float32(0.6)
    text = words(traffic.draw_confidence_by_class(frame, 0.96))
    assert "bicycle\n150, 100% accepted" in text
    assert "motorcycle\n50, 0% accepted" in text


def test_label_mix_has_classes_that_only_the_baseline_or_only_the_present_knows():
    frame = week(100).assign(label="bicycle")
    text = words(traffic.draw_label_mix(frame, {"bicycle": 30, "tram": 10}))
    assert {"bicycle", "motorcycle", "tram", "baseline (40)", "now (100)"} <= set(text.splitlines())
    assert "baseline" not in words(traffic.draw_label_mix(frame, None))


def test_labels_are_drawn_as_they_are_and_never_as_formulas():
    frame = week(50).assign(label="$\\frac$\x00\n" + "x" * 80)
    for draw in DRAWN.values():
        draw(frame).draw_without_rendering()
    text = words(traffic.draw_confidence_by_class(frame, 0.96))
    assert "$\\frac$\N{REPLACEMENT CHARACTER}" in text
    assert "x" * 25 not in text


@pytest.mark.parametrize(
    ("length", "images", "expected"),
    [("90s", 400, "minute"), ("20h", 400, "hour"), ("7D", 5000, "3 hours"), ("900D", 40, "week")],
)
def test_spans_have_a_length_that_people_use(length, images, expected):
    times = pd.Series(pd.date_range(SINCE, SINCE + pd.Timedelta(length), images))
    cut = style.cut(times)
    assert cut.length == expected
    assert len(cut.of_row) == images
    assert len(cut.middles) == cut.of_row.max() + 1


def test_two_classes_have_the_models_order():
    frame = week(100)
    assert list(traffic.by_label(frame)) == list(VEHICLES)
