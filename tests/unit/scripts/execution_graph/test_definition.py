from scripts.execution_graph.definition import START, Way, parse
from tests.unit.scripts.execution_graph.histories import BATCH, BULK, catch, task


def ways(states: dict, start: str) -> set[Way]:
    return set(parse({"StartAt": start, "States": states}).ways)


def test_a_choice_says_its_rules_in_short():
    rules = [
        {"Condition": "{% $states.input.counts.failed\n = 0 %}", "Next": "B"},
        {"Condition": "{% $size > 3 %}", "Next": "C"},
        {"And": [{}, {}], "Next": "C"},
    ]
    states = {"A": {"Type": "Choice", "Choices": rules, "Default": "B"}}
    assert {(way.target, way.label) for way in ways(states, "A") if way.kind == "choice"} == {
        ("B", "counts.failed = 0 or otherwise"),
        ("C", "$size > 3 or a rule holds"),
    }


def test_a_catch_has_a_way_of_its_own_beside_next():
    states = {"A": task(Next="B", Catch=[catch("B", "X"), catch("B")]), "B": {"Type": "Succeed"}}
    assert ways(states, "A") == {
        Way(START, "A"),
        Way("A", "B"),
        Way("A", "B", "catch", "X or any error"),
    }


def test_states_inside_a_map_are_a_scope_of_their_own():
    each = parse(BATCH).states["Each"]
    assert set(each.inside.states) == {"Read", "Judge", "Review", "Failed"}
    assert (each.distributed, each.at_once) == (False, 40)
    batches = parse(BULK).states["Batches"]
    assert (batches.distributed, batches.at_once) == (True, None)
    assert {state.name for state in parse(BULK).every_state()} == {
        *("Batches", "Read", "Judge", "Count")
    }
