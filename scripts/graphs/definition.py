"""A state machine's definition in the Amazon States Language, as states and the ways between."""

import re
from dataclasses import dataclass

# No name of a state: those hold no control characters.
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
    """A state; a Map has one scope inside, a Parallel one for each branch."""

    name: str
    type: str
    inside: tuple["Scope", ...] = ()
    distributed: bool = False
    at_once: int | None = None

    def names_inside(self) -> set[str]:
        """The names of all states inside, at any depth."""
        inner = [state for scope in self.inside for state in scope.states.values()]
        return {state.name for state in inner}.union(*(state.names_inside() for state in inner))


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
            for each in (state, *(s for scope in state.inside for s in scope.every_state()))
        ]


def parse(definition: dict) -> Scope:
    """Read a definition, or the ItemProcessor or branch of one, which has the same form."""
    states = {name: _state(name, fields) for name, fields in definition["States"].items()}
    ways: dict[tuple, list[str]] = {(START, definition["StartAt"], "next"): []}
    for name, fields in definition["States"].items():
        for target, kind, label in _ways_out(fields):
            labels = ways.setdefault((name, target, kind), [])
            if label and label not in labels:
                labels.append(label)
    return Scope(states, tuple(Way(*key, label=" or ".join(ways[key])) for key in ways))


def _state(name: str, fields: dict) -> State:
    processor = fields.get("ItemProcessor") or fields.get("Iterator")
    inside = [processor] if processor else fields.get("Branches", [])
    mode = (processor or {}).get("ProcessorConfig", {}).get("Mode")
    at_once = fields.get("MaxConcurrency")
    return State(
        name,
        fields["Type"],
        tuple(parse(scope) for scope in inside),
        distributed=mode == "DISTRIBUTED",
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
    """A rule of a Choice in a few words: JSONata, or a single comparison of JSONPath."""
    if "Condition" in rule:
        text = str(rule["Condition"]).strip().removeprefix("{%").removesuffix("%}")
        return " ".join(re.sub(r"\$states\.input\.?", "", text).split())
    others = [key for key in rule if key not in ("Variable", "Next", "Comment", "Assign", "Output")]
    if "Variable" in rule and len(others) == 1:
        return f"{rule['Variable'].removeprefix('$.')} {others[0]} {rule[others[0]]}"
    return "a rule holds"
