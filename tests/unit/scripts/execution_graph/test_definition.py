from scripts.execution_graph.definition import END, START, Transition, parse
from tests.unit.scripts.execution_graph.histories import BATCH, BULK, catch, task


def transitions(states: dict, start: str) -> set[Transition]:
    return set(parse({"StartAt": start, "States": states}).transitions)


def test_a_choice_says_its_rules_in_short():
    rules = [
        {"Condition": "{% $states.input.counts.failed\n = 0 %}", "Next": "B"},
        {"Condition": "{% $size > 3 %}", "Next": "C"},
        {"And": [{}, {}], "Next": "C"},
    ]
    states = {"A": {"Type": "Choice", "Choices": rules, "Default": "B"}}
    assert {
        (each.target, each.label) for each in transitions(states, "A") if each.kind == "choice"
    } == {
        ("B", "counts.failed = 0 or otherwise"),
        ("C", "$size > 3 or a rule holds"),
    }


def test_a_catch_has_a_way_of_its_own_beside_next_and_the_end_is_one():
    states = {"A": task(Next="B", Catch=[catch("B", "X"), catch("B")]), "B": task(End=True)}
    assert transitions(states, "A") == {
        Transition(START, "A"),
        Transition("A", "B"),
        Transition("A", "B", "catch", "X or any error"),
        Transition("B", END),
    }


def test_states_inside_a_map_are_a_scope_of_their_own():
    each = parse(BATCH).states["Each"]
    assert set(each.inside.states) == {"Read", "Judge", "Review", "Failed"}
    assert (each.distributed, each.max_concurrency) == (False, 40)
    batches = parse(BULK).states["Batches"]
    assert (batches.distributed, batches.max_concurrency) == (True, None)
    assert {state.name for state in parse(BULK).all_states()} == {
        *("Batches", "Read", "Judge", "Count")
    }
