"""Pictures of a report's figures."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from monitoring import pictures
from monitoring.gallery import least_confident as choose
from monitoring.plots import quality, style, traffic
from tests.monitoring import frames
from tests.monitoring.pictured import read_image, words


def test_drift_says_of_each_property_how_far_it_moved_and_what_that_means():
    text = words(quality.draw_drift(frames.drifts(("brightness",))))
    assert {"confidence", "label mix", "brightness", "contrast", "embedding"} <= set(
        text.splitlines()
    )
    assert "1.43  violation" in text
    assert text.count("  as usual") == 6
    assert "moved by … baseline standard deviations" in text


def test_a_narrow_picture_marks_violations_by_word_too():
    assert "1.43\nviolation" in words(quality.draw_drift(frames.drifts(), style.NARROW))


WEEK = frames.week(300, frames.TEN)
PICTURES = pictures.of_report(frames.a_report(), WEEK, WEEK, frames.latency(30))


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_nothing_leaves_a_narrow_picture(picture):
    figure = picture.draw(style.NARROW)
    figure.draw_without_rendering()
    taken, given = figure.get_tightbbox(), figure.bbox_inches
    assert given.x0 - 0.01 <= taken.x0 <= taken.x1 <= given.x1 + 0.01
    assert given.y0 - 0.01 <= taken.y0 <= taken.y1 <= given.y1 + 0.01


def test_every_picture_says_what_is_to_be_seen():
    for picture in PICTURES:
        assert re.search(r"\d", picture.alt), picture.name
        assert picture.alt.endswith("."), picture.name


def test_a_violation_has_a_mark_of_its_own_shape():
    marks = {mark["marker"] for mark in quality.MARKS.values()}
    assert len(marks) == len(quality.MARKS)


@pytest.mark.parametrize(
    ("effect", "violated", "expected"),
    [
        (0.05, False, "as usual"),
        (0.001, False, "as usual"),
        (0.3, False, "above, tolerated"),
        (0.3, True, "violation"),
    ],
)
def test_a_drift_is_called_by_its_band_and_verdict(effect, violated, expected):
    (brightness,) = (item for item in frames.drifts() if item.name == "brightness")
    assert quality.verdict(replace(brightness, effect=effect, violated=violated)) == expected


def test_drift_without_any_spread_is_drawn():
    (still,) = (item for item in frames.drifts() if item.name == "colour")
    quality.draw_drift([replace(still, effect=0.0, band=(0.0, 0.0))]).draw_without_rendering()


def test_accuracy_shows_promise_and_truth():
    text = words(quality.draw_accuracy(frames.accuracy()))
    assert {"promised, now", "true, 640 labelled", "95.1%", "88.6%"} <= set(text.splitlines())
    assert "true" not in words(quality.draw_accuracy(frames.accuracy(labelled=0)))


def test_reliability_counts_the_images_of_each_bin():
    text = words(quality.draw_reliability(frames.accuracy()))
    assert {"31", "40", "62", "97", "410"} <= set(text.splitlines())


def test_latency_has_three_lines_in_order_of_time():
    points = frames.latency(30)
    figure = traffic.draw_latency(points[::-1])
    assert {"p50 (half are faster)", "p95", "p99", "milliseconds"} <= set(
        words(figure).splitlines()
    )
    for line, column in zip(figure.axes[0].lines, (1, 2, 3), strict=True):
        assert list(line.get_ydata()) == [point[column] for point in points]


def test_one_latency_is_a_point():
    traffic.draw_latency(
        [(frames.SINCE + timedelta(hours=1), 5.0, 5.0, 5.0)]
    ).draw_without_rendering()


def test_the_contact_sheet_shows_every_tile_and_names_what_is_gone():
    tiles = choose(frames.week(40), read_image, 9)
    figure = quality.draw_least_confident(tiles)
    gone = sum(tile.image is None for tile in tiles)
    assert sum(len(axes.images) for axes in figure.axes) == 9 - gone
    assert words(figure).count("cannot be") == gone


@pytest.mark.parametrize(
    ("figure", "sentence"),
    [
        (quality.draw_drift([]), "Nothing was compared with a baseline."),
        (quality.draw_accuracy(None), "No images, so nothing to be right or wrong about."),
        (quality.draw_reliability(None), "Drawn when there is ground truth for the images."),
        (
            quality.draw_reliability(frames.accuracy(0)),
            "Drawn when there is ground truth for the images.",
        ),
        (
            traffic.draw_latency([]),
            "CloudWatch has no latencies of the endpoint in this span of time.",
        ),
        (quality.draw_least_confident([]), "No captured images to show."),
    ],
)
def test_where_there_is_nothing_a_sentence_says_so(figure, sentence):
    assert style.said(figure) == sentence


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.031, "0.031"), (1.4312, "1.43"), (81.73, "81.7"), (12345.6, "12,346")],
)
def test_numbers_have_the_figures_that_count(value, text):
    assert style.number(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0%"), (0.002, "< 1%"), (0.72, "72%"), (0.999, "> 99%"), (1, "100%")]
)
def test_a_share_is_never_rounded_to_all_or_nothing(value, text):
    assert style.share(value) == text
