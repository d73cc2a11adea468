"""A state machine's definition in the Amazon States Language, as states and transitions."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

# No state has such a name: names hold no control characters.
START, END = "\0start", "\0end"


@dataclass(frozen=True)
class Transition:
    """From one state of a scope to another. `kind` is next, choice or catch."""

    source: str
    target: str
    kind: str = "next"
    label: str = ""


@dataclass(frozen=True)
class State:
    """A state; a Map has a scope inside. `max_concurrency` is None where there is no limit."""

    name: str
    type: str
    inside: "Scope | None" = None
    distributed: bool = False
    max_concurrency: int | None = None


@dataclass(frozen=True)
class Scope:
    """States and their transitions: a state machine, or the inside of a Map."""

    states: dict[str, State]
    transitions: tuple[Transition, ...]

    def all_states(self) -> Iterator[State]:
        """Yield the states, also those inside others."""
        for state in self.states.values():
            yield state
            if state.inside:
                yield from state.inside.all_states()


def parse(definition: dict) -> Scope:
    """Read a definition, or the ItemProcessor of one, which has the same form."""
    states = {name: _parse_state(name, fields) for name, fields in definition["States"].items()}
    labels: dict[tuple, list[str]] = {(START, definition["StartAt"], "next"): []}
    for name, fields in definition["States"].items():
        for target, kind, label in _list_transitions(fields):
            labels.setdefault((name, target, kind), []).append(label)
    return Scope(
        states, tuple(Transition(*key, " or ".join(dict.fromkeys(labels[key]))) for key in labels)
    )


def _parse_state(name: str, fields: dict) -> State:
    processor = fields.get("ItemProcessor", {})
    concurrency = fields.get("MaxConcurrency")
    return State(
        name,
        fields["Type"],
        parse(processor) if processor else None,
        distributed=processor.get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED",
        max_concurrency=concurrency if isinstance(concurrency, int) and concurrency > 0 else None,
    )


def _list_transitions(fields: dict) -> Iterator[tuple[str, str, str]]:
    """Yield target, kind and label of the transitions that leave a state."""
    for rule in fields.get("Choices", []):
        yield rule["Next"], "choice", _shorten_condition(rule)
    if "Default" in fields:
        yield fields["Default"], "choice", "otherwise"
    if "Next" in fields:
        yield fields["Next"], "next", ""
    if fields.get("End"):
        yield END, "next", ""
    for catcher in fields.get("Catch", []):
        names = ["any error" if e == "States.ALL" else e for e in catcher["ErrorEquals"]]
        yield catcher["Next"], "catch", ", ".join(names)


def _shorten_condition(rule: dict) -> str:
    """A JSONata rule of a Choice in a few words."""
    text = str(rule.get("Condition", "a rule holds")).strip().removeprefix("{%").removesuffix("%}")
    return " ".join(re.sub(r"\$states\.input\.?", "", text).split()) or "$states.input"
