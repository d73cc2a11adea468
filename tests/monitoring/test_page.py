"""The report's page: its verdict, its escaping, its alternative texts, and that it holds all."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from monitoring import page, plots, table
from monitoring.assessment import NOT_ENOUGH_DATA, Violation
from monitoring.files import Unreadable
from tests.monitoring import frames
from tests.monitoring.frames import read_image, week

HOSTILE = '"><script>alert(1)</script>'


class Page(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Figures that take hardly any time to draw."""
    for name in ("draw_confidence_over_time", "draw_share_accepted_over_time", "draw_drift"):
        monkeypatch.setattr(plots, name, lambda *_: Figure((1, 1)))


def render(report, frame=None, baseline=None, **more) -> Page:
    return Page(page.render(report, week(40) if frame is None else frame, baseline, **more))


def test_the_page_says_verdict_reasons_key_numbers_and_each_drift():
    report = frames.make_report(reasons=["embedding: known of 3"], notes=["so it is"])
    shown = render(report, baseline=week(20), read_image=read_image)
    text = re.sub(r"\s+", " ", shown.text)
    for words in (
        "Violation: confidence, brightness, contrast, sharpness",
        report.violations[0].description,
        *("embedding: known of 3", "so it is"),
        *("5,000", "72.0%", "4 of 7", "95.1%", "88.6%"),
    ):
        assert words in text
    alts = " ".join(attributes["alt"] for tag, attributes in shown.tags if tag == "img")
    assert "brightness moved by 1.43 baseline standard deviations, violation" in alts


def test_the_page_asks_for_nothing_from_outside_and_whatever_comes_from_there_is_text():
    frame = week(40, (HOSTILE,)).assign(file=HOSTILE, image_id=HOSTILE)
    report = frames.make_report(
        endpoint=HOSTILE,
        violations=[Violation(HOSTILE, HOSTILE)],
        provenance={HOSTILE: HOSTILE},
    )
    shown = render(
        report,
        frame,
        read_image=lambda *place: Image.new("RGB", (8, 8)),
        unreadable=[Unreadable(HOSTILE, 1, HOSTILE)],
    )
    assert shown.text.count(HOSTILE) >= 9
    assert not {"script", "iframe", "object", "form"} & {tag for tag, _ in shown.tags}
    for tag, attributes in shown.tags:
        for name in ("src", "srcset", "href"):
            assert attributes.get(name, "data:").startswith("data:")
        assert tag != "img" or attributes["alt"].strip()
    assert "@import" not in shown.text
    assert "url(" not in shown.text
    assert ("html", {"lang": "en"}) in shown.tags


def test_without_photos_the_page_is_its_verdict():
    report = frames.make_report(
        NOT_ENOUGH_DATA, images=0, drifts=[], accuracy=None, share_accepted=None
    )
    shown = render(report, table.join([]), read_image=read_image)
    assert not {"img", "table"} & {tag for tag, _ in shown.tags}
    assert "12 photos were captured, at least 100 are needed" in shown.text


def test_the_least_confident_photos_come_first_each_once_and_what_is_gone_says_why():
    frame = week(20)
    frame.loc[1, "image_id"] = frame.loc[0, "image_id"]
    tiles = list(page.list_least_confident(frame, read_image))
    confidences = [row.confidence for row, _, _ in tiles]
    assert confidences == sorted(confidences)
    assert len(tiles) == 19
    assert {problem for _, image, problem in tiles if image is None} == {"the line is cut"}


def test_a_photo_that_surely_shows_none_of_the_classes_is_not_one_of_the_least_sure():
    frame = week(60)
    columns = ["probability:bicycle", "probability:motorcycle"]
    frame.loc[:39, columns] = np.float32([0.004, 0.001])
    frame.loc[:39, "confidence"] = np.float32(0.004)
    frame.loc[40:44, columns] = np.float32([0.4, 0.1])  # a class or none
    frame.loc[40:44, "confidence"] = np.float32(0.4)
    first = [row.confidence for row, _, _ in page.list_least_confident(frame, read_image)][:5]
    assert first == [np.float32(0.4)] * 5


def test_unreadable_records_are_counted_and_named_up_to_a_hundred():
    records = [Unreadable(f"{number}.jsonl", number, "cut") for number in range(250)]
    text = render(frames.make_report(), read_image=read_image, unreadable=records).text
    assert "250 could not be read" in text
    assert "99.jsonl" in text
    assert "100.jsonl" not in text
    assert "The first 100:" in text
