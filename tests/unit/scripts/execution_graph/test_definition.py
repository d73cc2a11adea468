from scripts.execution_graph.definition import (
    END,
    START,
    Transition,
    is_distributed,
    list_states,
    list_transitions,
)
from tests.unit.scripts.execution_graph.histories import BATCH, BULK, catch, task


def transitions(states: dict, start: str) -> set[Transition]:
    return set(list_transitions({"StartAt": start, "States": states}))


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


def test_states_inside_a_map_are_listed_after_it():
    states = dict(list_states(BULK))
    assert list(states) == ["Batches", "Read", "Judge", "Count"]
    assert is_distributed(states["Batches"])
    assert not is_distributed(dict(list_states(BATCH))["Each"])
