"""A state machine's definition in the Amazon States Language, as states and the ways between."""

import re
from dataclasses import dataclass

# Not the name of any state: those hold no control characters.
START, END = "\0start", "\0end"


@dataclass(frozen=True)
class Way:
    """From one state of a scope to another. `kind` is next, choice or catch."""

    source: str
    target: str
    kind: str = "next"
    label: str = ""


@dataclass(frozen=True)
class State:
    """A state; a Map has a scope inside. `at_once` is its MaxConcurrency, if that is a limit."""

    name: str
    type: str
    inside: "Scope | None" = None
    distributed: bool = False
    at_once: int | None = None


@dataclass(frozen=True)
class Scope:
    """States that go from one to the other: a state machine, or what is inside a Map."""

    states: dict[str, State]
    ways: tuple[Way, ...]

    def every_state(self) -> list[State]:
        """All states, also those inside others."""
        return [
            each
            for state in self.states.values()
            for each in (state, *(state.inside.every_state() if state.inside else ()))
        ]


def parse(definition: dict) -> Scope:
    """Read a definition, or the ItemProcessor of one, which has the same form."""
    states = {name: _state(name, fields) for name, fields in definition["States"].items()}
    labels: dict[tuple, list[str]] = {(START, definition["StartAt"], "next"): []}
    for name, fields in definition["States"].items():
        for target, kind, label in _ways_out(fields):
            labels.setdefault((name, target, kind), []).append(label)
    return Scope(
        states, tuple(Way(*key, " or ".join(dict.fromkeys(labels[key]))) for key in labels)
    )


def _state(name: str, fields: dict) -> State:
    processor = fields.get("ItemProcessor", {})
    at_once = fields.get("MaxConcurrency")
    return State(
        name,
        fields["Type"],
        parse(processor) if processor else None,
        distributed=processor.get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED",
        at_once=at_once if isinstance(at_once, int) and at_once > 0 else None,
    )


def _ways_out(fields: dict):
    for rule in fields.get("Choices", []):
        yield rule["Next"], "choice", _condition(rule)
    if "Default" in fields:
        yield fields["Default"], "choice", "otherwise"
    if "Next" in fields:
        yield fields["Next"], "next", ""
    if fields.get("End"):
        yield END, "next", ""
    for catcher in fields.get("Catch", []):
        names = ["any error" if e == "States.ALL" else e for e in catcher["ErrorEquals"]]
        yield catcher["Next"], "catch", ", ".join(names)


def _condition(rule: dict) -> str:
    """A rule of a Choice in a few words; only JSONata has any."""
    text = str(rule.get("Condition", "a rule holds")).strip().removeprefix("{%").removesuffix("%}")
    return " ".join(re.sub(r"\$states\.input\.?", "", text).split()) or "$states.input"
