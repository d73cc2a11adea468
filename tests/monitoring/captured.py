"""Capture records as an endpoint leaves them, and how the tests run `monitor` on them."""

import base64
import json
from pathlib import Path

from monitoring import embedding
from scripts.monitor import main
from tests.model import served

CLASSES = ["bicycle", "motorcycle"]
IMAGES = served.images(64)
TIME = "2026-11-03T10:20:30Z"


def side(data: bytes | str, media_type: str, encoding: str | None = None) -> dict:
    """One side of an invocation: bytes as base64, text as it is."""
    if isinstance(data, bytes):
        data, encoding = base64.b64encode(data).decode(), encoding or "BASE64"
    return {"observedContentType": media_type, "data": data, "encoding": encoding or "JSON"}


def png(number: int = 0) -> dict:
    """A request with one of IMAGES."""
    return side(served.encode(IMAGES[number], "PNG"), "image/png")


def npy(images) -> dict:
    """A request with an array of images."""
    return side(served.npy(images), "application/x-npy")


def answer(*rows: list[float], classes: list[str] = CLASSES) -> dict:
    """The service's own answer."""
    return side(
        json.dumps({"classes": classes, "inferences": [*rows]}), "application/json; charset=utf-8"
    )


def record(
    request: dict | None, answer: dict | None, name: str = "photo", time: str = TIME
) -> dict:
    """A record with an inference id."""
    return {
        "captureData": {
            **({"endpointInput": request} if request else {}),
            **({"endpointOutput": answer} if answer else {}),
        },
        "eventMetadata": {"eventId": f"event-{name}", "inferenceId": name, "inferenceTime": time},
        "eventVersion": "0",
    }


def good(number: int = 0, time: str = TIME) -> dict:
    """A record of one PNG."""
    return record(png(number), answer([0.75, 0.25]), f"photo-{number}", time)


def write(path: Path, *records: dict | bytes) -> str:
    """Write a file of captures, a line a record; bytes are lines as they are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(lines(*records))
    return str(path)


def lines(*records: dict | bytes) -> bytes:
    """Records as lines of a file."""
    return b"".join(
        item if isinstance(item, bytes) else json.dumps(item).encode() + b"\n" for item in records
    )


def write_answers(
    folder: Path, model: embedding.Model, count: int, seed: int = 0, hour: int = 10, batch: int = 1
) -> str:
    """Captures of what the model answers at an hour, a record for each `batch` of images."""
    images, records, time = served.images(count, seed), [], f"2026-11-03T{hour:02}:00:00Z"
    for number in range(0, count, batch):
        photos = images[number : number + batch]
        rows = [[round(value, 7) for value in row] for row in model.answer(photos).tolist()]
        png = side(served.encode(photos[0], "PNG"), "image/png")
        request, answered = npy(photos) if batch > 1 else png, answer(*rows, classes=model.classes)
        records.append(record(request, answered, f"{seed}-{number}", time))
    write(folder / f"{hour}.jsonl", *records)
    return str(folder)


def read_model(folder: Path) -> embedding.Model:
    """The model in a folder."""
    members = ((folder / name).read_bytes() for name in ("model.onnx", "classes.json"))
    return embedding.make_model(str(folder), *members)


def monitor(*arguments: str) -> None:
    """Run `monitor` in this process; its errors are raised, and so is the exit code of a report."""
    with main.make_context("monitor", list(arguments)) as context:
        main.invoke(context)
