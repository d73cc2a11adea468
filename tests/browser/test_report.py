"""The monitoring report in a real browser, on a wide and a narrow screen."""

import pytest
from PIL import Image

from monitoring import gallery, html, pictures
from monitoring.files import Unreadable
from monitoring.findings import NOT_ENOUGH_DATA, VIOLATION
from tests.monitoring import frames
from tests.monitoring.frames import read_image

WIDTHS = {"wide": 1280, "narrow": 360}
LONG = "capture/" + "a-very-long-name/" * 8 + "04-12-000.jsonl"
VERDICTS = {
    VIOLATION: "Violation: confidence, brightness, contrast, sharpness",
    NOT_ENOUGH_DATA: "Not enough data",
}

# What the page's texts have for contrast, as WCAG 2 reckons it: the texts below 4.5 (large: 3).
FAINT = """() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b]
    .map((c) => c / 255)
    .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = channels(getComputedStyle(e).backgroundColor);
      if (colour[3] !== 0) return colour;
    }
    return [255, 255, 255];
  };
  const texts = [...document.querySelectorAll("body *")].filter((e) =>
    [...e.childNodes].some((n) => n.nodeType === Node.TEXT_NODE && n.data.trim()));
  return texts.filter((e) => {
    const style = getComputedStyle(e);
    const [low, high] = [light(channels(style.color)), light(behind(e))].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05) < (parseFloat(style.fontSize) >= 24 ? 3 : 4.5);
  }).map((e) => e.textContent.trim());
}"""


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, str]:
    """A report with all that one can hold and one with next to nothing, as file:// addresses."""
    folder = tmp_path_factory.mktemp("reports")
    week = frames.week(300)
    baseline = frames.week(200, drifted_days=0, seed=1)
    unreadable = [Unreadable(LONG, 7, "the line is cut off")]
    few = {"images": 0, "drifts": [], "accuracy": None, "share_accepted": None, "unreadable": 0}
    pages = {
        VIOLATION: (frames.make_report(unreadable=1), week, unreadable),
        NOT_ENOUGH_DATA: (frames.make_report(NOT_ENOUGH_DATA, **few), week[:0], []),
    }
    for status, (report, frame, records) in pages.items():
        plots = pictures.list_pictures(report, frame, baseline, frames.latency(48))
        tiles = gallery.least_confident(frame, read_image)
        provenance = {"captures": f"s3://bucket/{LONG}"}
        page = html.render(report, plots, tiles, records, provenance)
        (folder / f"{status}.html").write_text(page, encoding="utf-8")
    return {status: (folder / f"{status}.html").as_uri() for status in pages}


@pytest.fixture(params=WIDTHS)
def opened(request, browser, files):
    """Return what opens a report; the page has `.messages` of its console and `.requests`."""
    context = browser.new_context(viewport={"width": WIDTHS[request.param], "height": 900})

    def open_report(status: str):
        page = context.new_page()
        page.messages, page.requests = [], []
        page.on("console", lambda message: page.messages.append(message.text))
        page.on("pageerror", lambda error: page.messages.append(str(error)))
        page.on("request", lambda request: page.requests.append(request.url))
        page.goto(files[status])
        return page

    yield open_report
    context.close()


@pytest.fixture(scope="module", params=WIDTHS)
def violation(request, browser, files):
    """A page that shows the report of a violation."""
    context = browser.new_context(viewport={"width": WIDTHS[request.param], "height": 900})
    page = context.new_page()
    page.goto(files[VIOLATION])
    yield page
    context.close()


@pytest.mark.parametrize("status", VERDICTS)
def test_the_report_opens_whole_and_alone(status, opened, files, tmp_path):
    page = opened(status)

    assert page.messages == []
    assert [url for url in page.requests if not url.startswith("data:")] == [files[status]]
    assert page.locator("h1").is_visible()
    assert page.locator("h1").inner_text() == VERDICTS[status]
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    loaded = page.evaluate("[...document.images].map((i) => [i.complete, i.naturalWidth > 0])")
    assert all(state == [True, True] for state in loaded)
    assert page.evaluate(FAINT) == []

    page.screenshot(path=tmp_path / "report.png", full_page=True)
    with Image.open(tmp_path / "report.png") as shot:
        assert shot.width == page.viewport_size["width"]
        assert len(set(shot.convert("RGB").resize((64, 256)).get_flattened_data())) > 20


def test_no_text_or_picture_reaches_over_its_card(violation):
    over = violation.evaluate(
        """[...document.querySelectorAll("section, header, .numbers div")].flatMap((card) => {
          const edge = card.getBoundingClientRect().right;
          const inside = card.querySelectorAll("h1, h2, p, li, dd, picture img, .scroll");
          return [...inside].filter((e) => e.getBoundingClientRect().right > edge)
            .map((e) => e.outerHTML.slice(0, 80));
        })"""
    )
    assert over == []


def test_pictures_are_drawn_for_their_screen_and_not_shrunk(violation):
    scales = violation.evaluate(
        "[...document.querySelectorAll('picture img')].map((i) => i.width / i.naturalWidth)"
    )
    assert len(scales) == 7
    # An SVG's natural width is in points, 4/3 pixels each, drawn at 100 pixels an inch.
    assert all(0.9 <= scale <= 1.5 for scale in scales)


def test_wide_tables_scroll_inside_their_box_and_by_keyboard(violation):
    box = violation.locator(".scroll").first
    assert box.get_attribute("tabindex") == "0"
    assert (
        violation.evaluate("getComputedStyle(document.querySelector('.scroll')).overflowX")
        == "auto"
    )
    if violation.viewport_size["width"] == WIDTHS["narrow"]:
        assert box.evaluate("(e) => e.scrollWidth > e.clientWidth")


def test_the_printed_report_fits_its_paper(violation):
    violation.emulate_media(media="print")
    violation.set_viewport_size({"width": 690, "height": 1000})  # A4 less its margins
    assert violation.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
