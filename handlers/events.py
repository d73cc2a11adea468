"""Checked fields of a function's event; InvalidInput says in a sentence what is wrong."""

from typing import Any

from handlers.errors import InvalidInput


def text(event: Any, name: str) -> str:
    """The event's field `name`, a string that is not empty and that UTF-8 can express."""
    value = _field(event, name)
    if not isinstance(value, str) or not value:
        raise InvalidInput(f"{name} must be a string that is not empty")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidInput(f"{name} holds half a surrogate pair") from None
    return value


def fraction(event: Any, name: str, default: float | None = None) -> float:
    """The event's field `name`, a number from 0 to 1; `default` if the field is missing."""
    value = _field(event, name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise InvalidInput(f"{name} must be a number from 0 to 1")
    return value


def _field(event: Any, name: str, default: Any = None) -> Any:
    if not isinstance(event, dict):
        raise InvalidInput(f"the event must be a JSON object, not {type(event).__name__}")
    if name not in event and default is None:
        raise InvalidInput(f"the event lacks {name}")
    return event.get(name, default)
