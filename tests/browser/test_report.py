"""The monitoring report in a real browser, on a wide and a narrow screen."""

import pytest

from monitoring import page, plots
from monitoring.assessment import NOT_ENOUGH_DATA, VIOLATION
from monitoring.files import Unreadable
from tests.monitoring import frames

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
    few = {"images": 0, "drifts": [], "accuracy": None, "share_accepted": None, "unreadable": 0}
    pages = {
        VIOLATION: (frames.make_report(), week, [Unreadable(LONG, 7, "the line is cut off")]),
        NOT_ENOUGH_DATA: (frames.make_report(NOT_ENOUGH_DATA, **few), week[:0], []),
    }
    for status, (report, frame, unreadable) in pages.items():
        report.provenance = {"captures": f"s3://bucket/{LONG}"}
        html = page.render(report, frame, week, frames.read_image, unreadable)
        (folder / f"{status}.html").write_text(html, encoding="utf-8")
    return {status: (folder / f"{status}.html").as_uri() for status in pages}


@pytest.fixture(scope="module", params=WIDTHS)
def open_report(request, browser, files):
    """Return what opens a report; the page has `.messages` of its console and `.requests`."""
    context = browser.new_context(viewport={"width": WIDTHS[request.param], "height": 900})

    def open_report(status: str):
        opened = context.new_page()
        opened.messages, opened.requests = [], []
        opened.on("console", lambda message: opened.messages.append(message.text))
        opened.on("pageerror", lambda error: opened.messages.append(str(error)))
        opened.on("request", lambda request: opened.requests.append(request.url))
        opened.goto(files[status])
        return opened

    yield open_report
    context.close()


@pytest.mark.parametrize("status", VERDICTS)
def test_the_report_opens_whole_and_alone(status, open_report, files):
    opened = open_report(status)
    assert opened.messages == []
    assert [url for url in opened.requests if not url.startswith("data:")] == [files[status]]
    assert opened.locator("h1").is_visible()
    assert opened.locator("h1").inner_text() == VERDICTS[status]
    assert opened.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    loaded = opened.evaluate("[...document.images].map((i) => [i.complete, i.naturalWidth > 0])")
    assert all(state == [True, True] for state in loaded)
    assert opened.evaluate(FAINT) == []


def test_no_text_or_picture_reaches_over_its_card(open_report):
    over = open_report(VIOLATION).evaluate(
        """[...document.querySelectorAll("section, header, .numbers div")].flatMap((card) => {
          const edge = card.getBoundingClientRect().right;
          const inside = card.querySelectorAll("h1, h2, p, li, dd, img, table");
          return [...inside].filter((e) => e.getBoundingClientRect().right > edge)
            .map((e) => e.outerHTML.slice(0, 80));
        })"""
    )
    assert over == []


def test_words_in_plots_are_as_large_as_small_print(open_report):
    widths = open_report(VIOLATION).evaluate(
        "[...document.querySelectorAll('.card > img')].map((i) => i.getBoundingClientRect().width)"
    )
    assert widths
    letters = plots.SETTINGS["font.size"] / 72  # inches
    assert all(9.5 <= width * letters / plots.WIDTH <= 16 for width in widths)  # pixels


def test_the_printed_report_fits_its_paper(open_report):
    opened = open_report(VIOLATION)
    opened.emulate_media(media="print")
    opened.set_viewport_size({"width": 690, "height": 1000})  # A4 less its margins
    assert opened.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
