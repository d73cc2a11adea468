import re
from html import unescape

from scripts.execution_graph.picture import CARD, FILLS, Picture
from tests.unit.scripts.execution_graph.executions import EXECUTIONS, bulk_execution, execution
from tests.unit.scripts.execution_graph.histories import bulk, catch, task


def node(name: str, drawn) -> str:
    """The line of DOT that makes a node."""
    return re.search(rf'^"{re.escape(name)}" \[.*$', Picture(drawn).dot(), re.MULTILINE)[0]


def words(dot: str) -> list[str]:
    """The texts of HTML-like labels, in order."""
    return [unescape(text) for text in re.findall(r">([^<>]+)</(?:FONT|B)>", dot)]


def way(source: str, target: str, drawn) -> str:
    """What stands at the way between two states."""
    return " ".join(words(node(f"{source} to {target}", drawn)))


def test_a_state_says_what_it_did_and_how_long_it_took():
    dot = Picture(execution()).dot()
    said = " ".join(words(node("Read", execution())))
    for part in ("Read task", "median 2 s", "total 9 s", "4 3 1 1 0"):
        assert part in said
    assert "entered   succeeded   caught   retried   failed" in said
    assert "took 6 s" in dot
    assert "40 at once" in words(dot)
    assert "1  NotFound in Read, caught" in words(dot)


def test_the_description_says_all_that_the_picture_shows():
    said = Picture(EXECUTIONS["batch"]).description()
    assert said.startswith("machine, SUCCEEDED, 2026-11-23 09:30:00 UTC, 6 s, 4 submitted")
    read = "entered 4, succeeded 3, caught 1, retried 1, failed 0, median 2 s, total 9 s."
    assert f"Read (Task): {read}" in said
    assert "Invalid (Fail): entered 0." in said
    said = Picture(EXECUTIONS["stopped"]).description()
    assert "entered 4, succeeded 0, caught 0, retried 0, failed 1, stopped 3." in said


def test_counts_status_and_error_stand_above():
    said = words(Picture(EXECUTIONS["failed"]).dot())
    above = said[: said.index("Check")]
    assert {"FAILED", "submitted  ", "4"} <= set(above)
    assert any(text.startswith("Broken: word") for text in above)


def test_ways_say_how_many_passed_and_of_what():
    times = "\N{MULTIPLICATION SIGN}"
    assert way("Judge", "Review, catch", execution()) == f"NOT_SURE {times}1"
    assert way("Read", "Failed, catch", execution()) == f"any error {times}1"
    assert way("IsValid", "Each, choice", execution()) == f"problem = '' {times}1"
    assert way("IsValid", "Invalid, choice", execution()) == f"otherwise {times}0"
    assert words(node("start of Each", execution())) == [f"start {times}4"]
    assert words(node("end of Each", execution())) == [f"end {times}2"]
    assert "40 at once" in words(Picture(execution()).dot())


def test_ways_to_the_same_state_are_one():
    rules = [
        {"Condition": "{% $states.input.counts.failed\n = 0 %}", "Next": "B"},
        {"Condition": "{% $size > 3 %}", "Next": "C"},
        {"And": [{}, {}], "Next": "C"},
    ]
    states = {
        "A": {"Type": "Choice", "Choices": rules, "Default": "B"},
        "B": task(Next="C", Catch=[catch("C", "X"), catch("C")]),
        "C": task(End=True),
    }
    drawn = execution({"StartAt": "A", "States": states}, [])
    times = "\N{MULTIPLICATION SIGN}0"
    assert way("A", "B, choice", drawn) == f"counts.failed = 0 or otherwise {times}"
    assert way("A", "C, choice", drawn) == f"$size > 3 or a rule holds {times}"
    assert way("B", "C, catch", drawn) == f"X or any error {times}"


def test_what_the_history_does_not_hold_is_no_0():
    picture = Picture(bulk_execution())
    for name in ("Read", "Judge"):
        assert words(node(name, bulk_execution())) == [name, "task", ", ", "not recorded"]
        assert f"{name} (Task): not recorded." in picture.description()
    assert words(node("start of Batches", bulk_execution())) == ["start"]
    assert "Not recorded: " in picture.dot()


def test_only_what_is_known_to_have_done_nothing_is_pale():
    unreached = bulk_execution(events=bulk()[:1], map_run=None)
    assert f'fillcolor="{FILLS["Task"]}"' in node("Read", bulk_execution())
    assert f'fillcolor="{CARD}"' in node("Read", unreached)
    assert "not entered" in words(node("Read", unreached))


def test_a_distributed_map_shows_items_and_batches():
    said = [word.strip() for word in words(Picture(bulk_execution()).dot())]
    start = said.index("items")
    assert said[start - 3 : start] == ["total", "succeeded", "failed"]
    assert said[start : start + 8] == ["items", "1,000", "940", "60", "batches", "10", "0", "0"]
