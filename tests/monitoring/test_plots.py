"""The drawings of a report: what can be read in each, and what stands where there is nothing."""

import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.dates import num2date

from monitoring import pictures, plots, style
from monitoring.gallery import least_confident as choose
from tests.monitoring import frames
from tests.monitoring.frames import SINCE, TEN, UNTIL, week
from tests.monitoring.pictured import read_image, words

DRAWN = {
    "confidence over time": lambda frame, **size: plots.draw_confidence_over_time(
        frame, 0.96, **size
    ),
    "share accepted": lambda frame, **size: plots.draw_share_accepted(frame, 0.96, **size),
    "confidence by class": lambda frame, **size: plots.draw_confidence_by_class(
        frame, 0.96, **size
    ),
    "label mix": lambda frame, **size: plots.draw_label_mix(frame, {"bicycle": 400}, **size),
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
    assert style.read_sentence(figure) is None


@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN)
def test_an_empty_table_makes_a_sentence(draw):
    assert style.read_sentence(draw(week(5)[:0])) == "No images in this span of time."


def test_confidence_over_time_shows_each_image_the_threshold_and_all_of_the_span():
    frame = week(400)
    figure = plots.draw_confidence_over_time(frame, 0.96)
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
    median = plots.draw_confidence_over_time(frame, 0.96).axes[0].lines[2]
    assert set(np.round(median.get_ydata(), 3)) == {0.9, 0.5}
    assert median.get_ydata()[0] == pytest.approx(0.9)


def test_share_accepted_counts_an_image_at_the_threshold_as_accepted():
    frame = week(4)
    frame["confidence"] = np.array([0.96, 0.97, 0.95, 0.1], np.float32)
    assert "whole time: 50%" in words(plots.draw_share_accepted(frame, 0.96))


def test_confidence_by_class_names_each_class_with_its_share_accepted():
    frame = week(200)
    frame["label"] = ["bicycle"] * 150 + ["motorcycle"] * 50
    frame["confidence"] = np.float32(0.99)
    frame.loc[frame.index[150:], "confidence"] = np.float32(0.6)
    text = words(plots.draw_confidence_by_class(frame, 0.96))
    assert "bicycle\n150, 100% accepted" in text
    assert "motorcycle\n50, 0% accepted" in text


def test_label_mix_has_classes_that_only_the_baseline_or_only_the_present_knows():
    frame = week(100).assign(label="bicycle")
    text = words(plots.draw_label_mix(frame, {"bicycle": 30, "tram": 10}))
    assert {"bicycle", "motorcycle", "tram", "baseline (40)", "now (100)"} <= set(text.splitlines())
    assert "baseline" not in words(plots.draw_label_mix(frame, None))


def test_labels_are_drawn_as_they_are_and_never_as_formulas():
    frame = week(50).assign(label="$\\frac$\x00\n" + "x" * 80)
    for draw in DRAWN.values():
        draw(frame).draw_without_rendering()
    text = words(plots.draw_confidence_by_class(frame, 0.96))
    assert "$\\frac$\N{REPLACEMENT CHARACTER}" in text
    assert "x" * 25 not in text


@pytest.mark.parametrize(
    ("length", "images", "expected"),
    [("90s", 400, "minute"), ("20h", 400, "hour"), ("7D", 5000, "3 hours"), ("900D", 40, "7 days")],
)
def test_spans_have_a_length_that_people_use(length, images, expected):
    times = pd.Series(pd.date_range(SINCE, SINCE + pd.Timedelta(length), images))
    cut = style.cut_spans(times)
    assert cut.length == expected
    assert len(cut.row_spans) == images
    assert len(cut.middles) == cut.row_spans.max() + 1


def test_drift_says_of_each_property_how_far_it_moved_and_what_that_means():
    text = words(plots.draw_drift(frames.drifts(("brightness",))))
    assert {"confidence", "label mix", "brightness", "contrast", "embedding"} <= set(
        text.splitlines()
    )
    assert "1.43  violation" in text
    assert text.count("  as usual") == 6
    assert "moved by … baseline standard deviations" in text


WEEK = frames.week(300, frames.TEN)
PICTURES = pictures.list_pictures(frames.a_report(), WEEK, WEEK, frames.latency(30))


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_nothing_leaves_a_narrow_picture(picture):
    figure = picture.draw(style.NARROW)
    figure.draw_without_rendering()
    taken, given = figure.get_tightbbox(), figure.bbox_inches
    assert given.x0 - 0.01 <= taken.x0 <= taken.x1 <= given.x1 + 0.01
    assert given.y0 - 0.01 <= taken.y0 <= taken.y1 <= given.y1 + 0.01


def test_every_picture_says_what_is_to_be_seen():
    for picture in PICTURES:
        assert re.search(r"\d", picture.alt()), picture.name
        assert picture.alt().endswith("."), picture.name


def test_accuracy_shows_promise_and_truth():
    text = words(plots.draw_accuracy(frames.accuracy()))
    assert {"promised, now", "true, 640 labelled", "95.1%", "88.6%"} <= set(text.splitlines())
    assert "true" not in words(plots.draw_accuracy(frames.accuracy(labelled=0)))


def test_latency_has_three_lines_in_order_of_time():
    points = frames.latency(30)
    figure = plots.draw_latency(points[::-1])
    assert {"p50 (half are faster)", "p95", "p99", "milliseconds"} <= set(
        words(figure).splitlines()
    )
    for line, column in zip(figure.axes[0].lines, (1, 2, 3), strict=True):
        assert list(line.get_ydata()) == [point[column] for point in points]


def test_the_contact_sheet_shows_every_tile_and_names_what_is_gone():
    tiles = choose(frames.week(40), read_image, 9)
    figure = plots.draw_least_confident(tiles)
    gone = sum(tile.image is None for tile in tiles)
    assert sum(len(axes.images) for axes in figure.axes) == 9 - gone
    assert words(figure).count("cannot be") == gone


@pytest.mark.parametrize(
    ("figure", "sentence"),
    [
        (plots.draw_drift([]), "Nothing was compared with a baseline."),
        (plots.draw_accuracy(None), "No images, so nothing to be right or wrong about."),
        (plots.draw_reliability(None), "Drawn when there is ground truth for the images."),
        (
            plots.draw_reliability(frames.accuracy(0)),
            "Drawn when there is ground truth for the images.",
        ),
        (
            plots.draw_latency([]),
            "CloudWatch has no latencies of the endpoint in this span of time.",
        ),
        (plots.draw_least_confident([]), "No captured images to show."),
    ],
)
def test_where_there_is_nothing_a_sentence_says_so(figure, sentence):
    assert style.read_sentence(figure) == sentence


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0%"), (0.002, "< 1%"), (0.72, "72%"), (0.999, "> 99%"), (1, "100%")]
)
def test_a_share_is_never_rounded_to_all_or_nothing(value, text):
    assert style.share(value) == text
