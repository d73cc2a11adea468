"""One captured record: who asked, when, what went in and what came out."""

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


class RecordError(Exception):
    """A record that cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Payload:
    """One side of an invocation: its media type in lower case, capture's encoding, its bytes."""

    media_type: str
    encoding: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Record:
    """An invocation. `image_id` is its inference id, or its event id; `asked` None if not kept."""

    time: datetime
    image_id: str
    asked: Payload | None
    answered: Payload


def parse(line: bytes) -> Record:
    """Read one line of a capture file. Raises RecordError."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        whole = line.endswith(b"\n")
        raise RecordError(f"it is not JSON{'' if whole else ': the line is cut off'}") from None
    captured = _member(record, "captureData", dict, "the record")
    metadata = _member(record, "eventMetadata", dict, "the record")
    if captured.get("endpointOutput") is None:
        raise RecordError("it holds no answer (captureData.endpointOutput)")
    asked = captured.get("endpointInput")
    return Record(
        _time(_member(metadata, "inferenceTime", str, "eventMetadata")),
        _image_id(metadata),
        None if asked is None else _payload(asked, "endpointInput"),
        _payload(captured["endpointOutput"], "endpointOutput"),
    )


def _member(value: Any, name: str, kind: type, where: str) -> Any:
    if not isinstance(value, dict):
        raise RecordError(f"{where} is no object")
    found = value.get(name)
    if not isinstance(found, kind):
        state = "is missing" if found is None else f"is a {type(found).__name__}"
        raise RecordError(f"{name} {state}")
    return found


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise RecordError(f"inferenceTime is no time: {text[:40]!r}") from None


def _image_id(metadata: dict) -> str:
    for name in ("inferenceId", "eventId"):
        value = metadata.get(name)
        if isinstance(value, str) and value:
            return value
    raise RecordError("it has neither an inferenceId nor an eventId")


def _payload(side: Any, name: str) -> Payload:
    data = _member(side, "data", str, name)
    encoding = _member(side, "encoding", str, name).upper()
    content_type = side.get("observedContentType")
    media_type = content_type if isinstance(content_type, str) else ""
    media_type = media_type.partition(";")[0].strip().lower()
    if encoding == "BASE64":
        try:
            return Payload(media_type, encoding, base64.b64decode(data, validate=True))
        except (binascii.Error, ValueError):
            raise RecordError(f"the data of {name} is not base64") from None
    if encoding not in ("JSON", "CSV"):
        raise RecordError(f"{name} is encoded as {encoding[:40]!r}, not BASE64, JSON or CSV")
    return Payload(media_type, encoding, data.encode(errors="replace"))
