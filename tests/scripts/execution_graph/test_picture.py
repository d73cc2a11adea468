import io
from itertools import combinations
from xml.etree import ElementTree

import pytest
from PIL import Image

from scripts.execution_graph import boxes, picture
from scripts.execution_graph.drawing import Box, Words, render_png, render_svg, width
from scripts.execution_graph.execution import Execution
from tests.unit.scripts.execution_graph.histories import (
    BATCH,
    BEGAN,
    BULK,
    MAP_RUN,
    History,
    batch,
    bulk,
    catch,
    task,
)

COUNTS = {"total": 1000, "succeeded": 940, "failed": 60, "running": 0, "pending": 0}


def execution(definition=BATCH, events=None, **fields) -> Execution:
    return Execution(
        **{
            "arn": "arn:aws:states:us-east-1:123456789012:execution:machine:name",
            "machine": "machine",
            "name": "name",
            "status": "SUCCEEDED",
            "started": BEGAN,
            "stopped": BEGAN.replace(second=6),
            "looked": BEGAN.replace(minute=40),
            "definition": definition,
            "events": batch() if events is None else events,
        }
        | fields
    )


def bulk_execution(**fields) -> Execution:
    runs = [{"mapRunArn": MAP_RUN, "itemCounts": COUNTS, "executionCounts": {"total": 10}}]
    return execution(BULK, **{"events": bulk(), "map_runs": runs} | fields)


def words(drawing) -> list[str]:
    return [mark.text for mark in drawing.marks if isinstance(mark, Words)]


def title(drawing, name: str) -> str:
    """What is said of the state."""
    (found,) = (
        mark.title
        for mark in drawing.marks
        if isinstance(mark, Box) and mark.title.startswith(f"{name} (")
    )
    return found


def extent(mark: Words) -> tuple[float, float, float, float]:
    wide = width(mark.text, mark.size, mark.bold)
    left = mark.x - wide * {"start": 0, "middle": 0.5, "end": 1}[mark.anchor]
    return left, mark.y - 0.75 * mark.size, left + wide, mark.y + 0.2 * mark.size


LONG = "A" * 80
DEFINITIONS = {
    "batch": execution(),
    "bulk": bulk_execution(),
    "running": execution(status="RUNNING", stopped=None, events=batch()[:20]),
    "nothing yet": execution(status="RUNNING", stopped=None, events=[]),
    "failed": execution(
        status="FAILED", error="Broken", cause="word " * 400, counts={"submitted": 4, "failed": 4}
    ),
    "long": execution(
        {
            "StartAt": LONG,
            "States": {
                LONG: task(Catch=[catch("B", "E" * 120)], Next="B", Comment="long"),
                "B": {
                    "Type": "Map",
                    "ItemProcessor": {
                        "StartAt": "C",
                        "States": {"C": {"Type": "Wait", "End": True}},
                    },
                    "Next": "E",
                },
                "E": {
                    "Type": "Choice",
                    "Choices": [
                        {"Condition": "{% $states.input.n = 3 %}", "Next": LONG},
                        {"And": [], "Next": "F"},
                    ],
                    "Default": "F",
                },
                "F": {"Type": "Succeed"},
            },
        },
        [],
        name="n" * 80,
    ),
}


@pytest.mark.parametrize("name", DEFINITIONS)
def test_no_words_overlap_and_all_are_on_the_canvas(name):
    drawing = picture.draw(DEFINITIONS[name])
    extents = [(mark.text, extent(mark)) for mark in drawing.marks if isinstance(mark, Words)]
    for text, (left, top, right, bottom) in extents:
        assert left >= 0, text
        assert top >= 0, text
        assert right <= drawing.width, text
        assert bottom <= drawing.height, text
    for (text, a), (other, b) in combinations(extents, 2):
        apart = a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
        assert apart, (text, other)


@pytest.mark.parametrize("name", DEFINITIONS)
def test_svg_parses(name):
    drawing = picture.draw(DEFINITIONS[name])
    root = ElementTree.fromstring(render_svg(drawing))
    assert root.get("width") == f"{drawing.width:.0f}"
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == words(drawing)


def test_png_opens_in_the_shape_of_the_drawing():
    states = {"A": task(Next="B", Catch=[catch("B")]), "B": {"Type": "Succeed"}}
    drawing = picture.draw(execution({"StartAt": "A", "States": states}, []))
    image = Image.open(io.BytesIO(render_png(drawing)))
    assert image.size == pytest.approx((drawing.width * 2, drawing.height * 2), abs=1)
    assert len(image.convert("RGB").getcolors(1 << 24)) > 100


def test_a_state_says_what_it_did():
    drawing = picture.draw(execution())
    assert title(drawing, "Read") == (
        "Read (Task): entered 4, succeeded 3, caught 1, retried 1, failed 0, "
        "median 2.00 s, total 9.00 s"
    )
    assert title(drawing, "Invalid") == "Invalid (Fail): entered 0"


def test_ways_say_how_many_passed():
    said = words(picture.draw(execution()))
    assert "NOT_SURE  ×1" in said  # noqa: RUF001
    assert "problem = ''  ×1" in said  # noqa: RUF001
    assert "otherwise  ×0" in said  # noqa: RUF001
    assert said.count("any error  ×1") == 1  # noqa: RUF001
    assert "end  ×2" in said  # noqa: RUF001
    assert "MAP · ×4 ITEMS · 40 AT ONCE" in said  # noqa: RUF001


def test_a_state_that_leads_to_itself_says_how_often():
    h = History()
    last = 0
    for _ in range(3):
        last = h.through(last, "Wait", "A", 1)
    waiting = {"Type": "Wait", "Next": "A"}
    drawing = picture.draw(execution({"StartAt": "A", "States": {"A": waiting}}, h.events))
    assert "WAIT · ×2 AGAIN" in words(drawing)  # noqa: RUF001


def test_what_the_history_does_not_tell_is_a_dash_and_no_0():
    drawing = picture.draw(bulk_execution())
    for name in ("Read", "Judge"):
        said = title(drawing, name)
        assert said.count("–") == 7  # noqa: RUF001
        assert "0" not in said
    assert "–  the history does not tell" in words(drawing)  # noqa: RUF001


def test_only_what_is_known_to_have_done_nothing_is_pale():
    def fill(drawing, name: str) -> str:
        drawn = [mark for mark in drawing.marks if isinstance(mark, Box)]
        return next(box.fill for box in drawn if box.title.startswith(f"{name} ("))

    unreached = bulk_execution(events=bulk()[:1], map_runs=[])
    assert fill(picture.draw(bulk_execution()), "Read") == boxes.COLOURS["Task"][0]
    assert fill(picture.draw(unreached), "Read") == boxes.UNUSED[0]


def test_a_distributed_map_shows_items_and_children():
    marks = [m for m in picture.draw(bulk_execution()).marks if isinstance(m, Words)]
    rows = {
        first.text: [m.text for m in marks if m.y == first.y and m.x > first.x]
        for first in marks
        if first.text in ("items", "children")
    }
    assert rows == {"items": ["1,000", "940", "60"], "children": ["10", "0", "0"]}


def test_a_running_execution_says_so():
    said = words(picture.draw(execution(status="RUNNING", stopped=None, events=batch()[:20])))
    assert "… RUNNING so far" in said
    assert "10 min 00 s" in said


def test_counts_status_and_error_stand_above():
    said = words(picture.draw(DEFINITIONS["failed"]))
    assert {"✕ FAILED", "submitted", "4", "2026-11-23 09:30:00 UTC"} <= set(said)
    assert any(text.startswith("Broken: word") for text in said)


def test_errors_are_named_with_what_became_of_them():
    assert "NotFound in Read, caught" in words(picture.draw(execution()))


@pytest.mark.filterwarnings("ignore:Glyph")
@pytest.mark.parametrize("name", ["<b>&\"'", "$x^2$", "a\x07b", "日本"])
def test_names_are_written_as_they_are(name):
    definition = {"StartAt": name, "States": {name: {"Type": "Succeed"}}}
    drawing = picture.draw(execution(definition, [], name=name))
    root = ElementTree.fromstring(render_svg(drawing))
    written = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert written.count(name.replace("\x07", "�")) == 2
    render_png(drawing)
