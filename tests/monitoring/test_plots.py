"""The plots of a report: what can be read in each, and what stands where there is nothing."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.dates import num2date
from matplotlib.text import Text

from monitoring import pictures, plots, style
from monitoring.gallery import least_confident
from tests.monitoring import frames
from tests.monitoring.frames import SINCE, TEN, UNTIL, read_image, week


def words(figure) -> str:
    """All text of a figure that is to be seen, a line a piece; drawn first, as a reader has it."""
    figure.draw_without_rendering()
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text()]
    return "\n".join(text.get_text() for text in texts)


WEEK = week(300, TEN)
PICTURES = pictures.list_pictures(frames.make_report(), WEEK, WEEK, frames.latency(30))


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.title)
def test_nothing_leaves_a_narrow_picture_and_its_words_say_what_it_shows(picture):
    figure = picture.draw(style.NARROW)
    figure.draw_without_rendering()
    assert figure.get_figwidth() == style.NARROW
    outline, page = figure.get_tightbbox(), figure.bbox_inches
    assert page.x0 - 0.01 <= outline.x0 <= outline.x1 <= page.x1 + 0.01
    assert page.y0 - 0.01 <= outline.y0 <= outline.y1 <= page.y1 + 0.01
    assert any(character.isdigit() for character in picture.alt())


FRAMES = {
    "one row": week(1),
    "one moment": week(50).assign(time=pd.Timestamp(SINCE)),
    "none of the classes": week(50).assign(confidence=0.0),
    "a hostile label": week(50, ("$\\frac$\x00\n" + "x" * 80,)),
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_odd_tables_are_drawn_with_all_that_a_usual_one_has(frame):
    count = len(frame)
    over_time = words(plots.draw_confidence_over_time(frame, 0.96)).splitlines()
    assert {"a photo", "median", "lowest tenth", "threshold 0.96"} <= {*over_time}
    assert "95% interval" in words(plots.draw_share_accepted(frame, 0.96))
    by_class = words(plots.draw_confidence_by_class(frame, 0.96))
    assert sum(int(line.split(",")[0]) for line in by_class.splitlines() if "acc" in line) == count
    assert f"now ({count})" in words(plots.draw_label_mix(frame, {frame["label"][0]: 400}))


def test_labels_are_drawn_as_they_are_and_never_as_formulas():
    text = words(plots.draw_confidence_by_class(FRAMES["a hostile label"], 0.96))
    assert "$\\frac$\N{REPLACEMENT CHARACTER}" in text
    assert "x" * 25 not in text


def test_confidence_over_time_shows_each_photo_and_all_of_the_span():
    frame = week(400)
    (axes,) = plots.draw_confidence_over_time(frame, 0.96).axes
    points = axes.lines[0]
    assert len(points.get_xdata()) == 400
    assert points.get_ydata().max() <= 0.9999
    first, last = (num2date(value) for value in axes.get_xlim())
    assert first <= frame["time"].min() <= frame["time"].max() <= last
    assert SINCE - pd.Timedelta("1D") < first < last < UNTIL + pd.Timedelta("1D")


def test_the_running_median_is_the_median_of_each_span():
    frame = week(400)
    frame["confidence"] = np.where(frame["time"] < SINCE + pd.Timedelta("3D"), 0.9, 0.5)
    median = plots.draw_confidence_over_time(frame, 0.96).axes[0].lines[2].get_ydata()
    assert set(np.round(median, 3)) == {0.9, 0.5}
    assert median[0] == pytest.approx(0.9)


def test_share_accepted_counts_a_photo_at_the_threshold_as_accepted():
    frame = week(4)
    frame["confidence"] = np.array([0.96, 0.97, 0.95, 0.1], np.float32)
    assert "whole time: 50%" in words(plots.draw_share_accepted(frame, 0.96))


def test_confidence_by_class_names_each_class_with_its_share_accepted():
    frame = week(200)
    frame["label"] = ["bicycle"] * 185 + ["motorcycle"] * 15
    frame["confidence"] = np.float32([0.99] * 185 + [0.6] * 15)
    text = words(plots.draw_confidence_by_class(frame, 0.96))
    assert "bicycle\n185, 100% accepted" in text
    assert "motorcycle\n15, 0% accepted" in text


def test_label_mix_has_classes_that_only_the_baseline_or_only_the_present_knows():
    frame = week(100).assign(label="bicycle")
    text = words(plots.draw_label_mix(frame, {"bicycle": 30, "tram": 10}))
    assert {"bicycle", "motorcycle", "tram", "baseline (40)", "now (100)"} <= set(text.splitlines())
    assert "baseline" not in words(plots.draw_label_mix(frame, None))


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


def test_drift_says_of_each_property_how_far_it_moved_and_what_that_means():
    text = words(plots.draw_drift(frames.drifts("brightness")))
    assert {"confidence", "label mix", "brightness", "contrast", "embedding"} <= set(
        text.splitlines()
    )
    assert "1.43  violation" in text
    assert text.count("  as usual") == 6
    assert "moved by … baseline standard deviations" in text


def test_accuracy_shows_promise_and_truth():
    text = words(plots.draw_accuracy(frames.ACCURACY))
    assert {"promised, now", "true, 640 labelled", "95.1%", "88.6%"} <= set(text.splitlines())
    assert "true" not in words(plots.draw_accuracy(frames.EXPECTED))


def test_latency_has_three_lines_in_order_of_time():
    points = frames.latency(30)
    figure = plots.draw_latency(points[::-1])
    names = {"p50 (half are faster)", "p95", "p99", "milliseconds"}
    assert names <= set(words(figure).splitlines())
    for line, column in zip(figure.axes[0].lines, (1, 2, 3), strict=True):
        assert list(line.get_ydata()) == [point[column] for point in points]


def test_the_contact_sheet_shows_every_tile_and_names_what_is_gone():
    tiles = least_confident(week(40), read_image, 9)
    figure = plots.draw_least_confident(tiles)
    gone = sum(tile.image is None for tile in tiles)
    assert sum(len(axes.images) for axes in figure.axes) == 9 - gone
    assert words(figure).count("cannot be") == gone


EMPTY = week(5)[:0]


@pytest.mark.parametrize(
    ("draw", "sentence"),
    [
        (lambda: plots.draw_confidence_over_time(EMPTY, 0.96), "No photos in this span of time."),
        (lambda: plots.draw_share_accepted(EMPTY, 0.96), "No photos in this span of time."),
        (lambda: plots.draw_confidence_by_class(EMPTY, 0.96), "No photos in this span of time."),
        (lambda: plots.draw_label_mix(EMPTY), "No photos in this span of time."),
        (lambda: plots.draw_drift([]), "Nothing was compared with a baseline."),
        (lambda: plots.draw_accuracy(None), "No photos, so nothing to be right or wrong about."),
        (lambda: plots.draw_latency([]), "CloudWatch has no latencies of the endpoint"),
        (lambda: plots.draw_least_confident([]), "No captured photos to show."),
    ],
)
def test_where_there_is_nothing_a_sentence_says_so(draw, sentence):
    with pytest.raises(plots.NoDataError, match=sentence):
        draw()


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0%"), (0.002, "< 1%"), (0.72, "72%"), (0.999, "> 99%"), (1, "100%")]
)
def test_a_share_is_never_rounded_to_all_or_nothing(value, text):
    assert style.share(value) == text
