"""The report's page: its verdict, its escaping, its alternative texts, and that it holds all."""

import re
from html.parser import HTMLParser

import pytest
from PIL import Image

from monitoring import gallery, html, pictures, style
from monitoring.files import Unreadable
from monitoring.findings import NOT_ENOUGH_DATA, Violation
from monitoring.pictures import Picture
from tests.monitoring import frames

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


def draw(width: float):
    """A figure that takes hardly any time to draw."""
    figure, axes = style.figure(width, 1)
    axes.set_axis_off()
    return figure


@pytest.fixture(scope="module")
def whole() -> str:
    """A page with all that a page may hold, as HTML; all that can be is hostile."""
    frame = frames.week(40).assign(label=HOSTILE, file=HOSTILE, image_id=HOSTILE)
    report = frames.make_report(endpoint=HOSTILE, violations=[Violation(HOSTILE, HOSTILE)])
    return html.render(
        report,
        [Picture(HOSTILE, HOSTILE, lambda: HOSTILE, draw, half) for half in (False, True)],
        tiles=gallery.least_confident(frame, lambda *place: Image.new("RGB", (8, 8))),
        unreadable=[Unreadable(HOSTILE, 1, HOSTILE)],
        provenance={HOSTILE: HOSTILE},
    )


def test_the_page_says_verdict_reasons_key_numbers_and_each_drift():
    report = frames.make_report(reasons=["embedding: known of 3"], notes=["so it is"])
    text = re.sub(r"\s+", " ", Page(html.render(report, [])).text)
    for words in (
        "Violation: confidence, brightness, contrast, sharpness",
        report.violations[0].description,
        *("embedding: known of 3", "so it is"),
        *("5,000", "72.0%", "4 of 7", "95.1%", "88.6%"),
        "brightness violation 1.43 baseline standard deviations 0.030 to 0.140 < 0.001 128 81.7",
    ):
        assert words in text


def test_the_page_asks_for_nothing_from_outside_and_has_no_script(whole):
    page = Page(whole)
    assert not {"script", "iframe", "object", "form"} & {tag for tag, _ in page.tags}
    for _, attributes in page.tags:
        for name in ("src", "srcset", "href"):
            assert attributes.get(name, "data:").startswith("data:")
    assert "@import" not in whole
    assert "url(" not in whole


def test_whatever_comes_from_outside_is_text(whole):
    assert Page(whole).text.count(HOSTILE) >= 12


def test_every_picture_has_its_alternative_text_and_a_narrow_drawing(whole):
    page = Page(whole)
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    drawn = [attributes for attributes in images if "svg" in attributes["src"]]
    narrow = [attributes["srcset"] for tag, attributes in page.tags if tag == "source"]
    assert [attributes["alt"] for attributes in drawn] == [HOSTILE] * len(narrow) == [HOSTILE] * 2
    assert all(attributes["alt"].strip() for attributes in images)
    assert not {attributes["src"] for attributes in drawn} & set(narrow)
    assert ("html", {"lang": "en"}) in page.tags


def test_a_picture_of_nothing_is_a_sentence_on_the_page():
    report = frames.make_report(
        NOT_ENOUGH_DATA, images=0, drifts=[], accuracy=None, share_accepted=None
    )
    page = Page(html.render(report, pictures.list_pictures(report, frames.week(3)[:0])))
    assert "img" not in {tag for tag, _ in page.tags}
    assert "CloudWatch has no latencies" in page.text
    assert "Nothing was compared with a baseline." in page.text


def test_unreadable_records_are_counted_and_named_up_to_a_hundred():
    records = [Unreadable(f"{number}.jsonl", number, "cut") for number in range(250)]
    text = Page(html.render(frames.make_report(), [], unreadable=records)).text
    assert "250 records could not be read" in text
    assert "99.jsonl" in text
    assert "100.jsonl" not in text
    assert "The first 100 of them" in text
