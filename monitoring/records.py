"""One captured record: who asked, when, the images that went in, the answers that came out."""

import base64
import binascii
import io
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from PIL import Image

from handlers.errors import HandlerError
from handlers.photo import FORMATS, FORMATS_IN_WORDS, to_eight_bits, to_model_pixels
from model.serving.bodies import JSON, NPY, read_npy
from model.serving.errors import InvalidArray

CSV = "text/csv"
SUM_TOLERANCE = 0.01  # not every algorithm answers with all digits

# The last is what SageMaker's built-in image classification calls all of its images.
PHOTOS = {"image/png", "image/jpeg", "image/webp", "image/jpg", "application/x-image"}

MAX_PIXELS = 50_000_000

# A larger image's features are those of its reduction to this: above, they only cost time.
FEATURE_SIDE = 1024


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


def read_answer(payload: Payload) -> tuple[list[str] | None, np.ndarray]:
    """Return the class names, where the answer has them, and the probabilities, float32 N x C.

    Read are `{"classes": [...], "inferences": [[...], ...]}`, a list of numbers, a list of such
    lists, CSV with a row an image, and an npy array. Raises RecordError.
    """
    kinds = {JSON: _json, CSV: _csv, NPY: _npy}
    kind = kinds.get(payload.media_type) or {"JSON": _json, "CSV": _csv}.get(payload.encoding)
    if kind is None:
        named = payload.media_type or "of no stated type"
        raise RecordError(f"the answer is {named}, not JSON, CSV or npy")
    classes, values = kind(payload.data)
    return classes, _probabilities(values, classes)


def _json(data: bytes) -> tuple[list[str] | None, np.ndarray]:
    try:
        answer = json.loads(data)
    except (ValueError, RecursionError):
        raise RecordError("the answer is not JSON") from None
    if isinstance(answer, list):
        return None, _numbers(answer)
    if not isinstance(answer, dict):
        raise RecordError(f"the answer is a {type(answer).__name__}, not probabilities")
    if not {"classes", "inferences"} <= answer.keys():
        members = ", ".join(map(repr, list(answer)[:5])) or "nothing"
        raise RecordError(f"the answer has {members[:80]}, not 'classes' and 'inferences'")
    classes = answer["classes"]
    if (
        not isinstance(classes, list)
        or not all(isinstance(name, str) and name for name in classes)
        or len(set(classes)) < len(classes)
    ):
        raise RecordError("the answer's classes are not different names")
    return classes, _numbers(answer["inferences"])


def _csv(data: bytes) -> tuple[None, np.ndarray]:
    rows = [line.split(b",") for line in data.split(b"\n") if line.strip()]
    try:
        return None, _numbers([[float(cell) for cell in row] for row in rows])
    except ValueError:
        raise RecordError("the answer's CSV holds something else than numbers") from None


def _npy(data: bytes) -> tuple[None, np.ndarray]:
    try:
        return None, _numbers(read_npy(data))
    except InvalidArray as error:
        raise RecordError(f"the answer is broken npy: {error}") from None


def _numbers(values: Any) -> np.ndarray:
    """Numbers as a matrix, where one row may stand without its list."""
    try:
        array = np.asarray(values)
    except ValueError:
        raise RecordError("the answer's rows are not of one length") from None
    if array.dtype.kind not in "fiu" or array.ndim not in (1, 2) or not array.size:
        raise RecordError("the answer is not rows of probabilities")
    return array.reshape(-1, array.shape[-1])


def _probabilities(values: np.ndarray, classes: list[str] | None) -> np.ndarray:
    if classes is not None and values.shape[1] != len(classes):
        raise RecordError(f"{len(classes)} classes came with {values.shape[1]} probabilities")
    # Not a number fails any comparison.
    if not (values.min() >= 0 and np.abs(values.sum(1) - 1).max() <= SUM_TOLERANCE):
        raise RecordError("the answer's numbers are not probabilities that sum to 1")
    return values.astype(np.float32)


@dataclass(frozen=True, slots=True)
class Images:
    """The images of one request.

    pixels: uint8 N x H x W x 3, which features are computed from. width, height: as captured.
    model_input: what the model saw of them, uint8 N x S x S x 3, if it was asked for.
    """

    pixels: np.ndarray
    width: int
    height: int
    model_input: np.ndarray | None


def is_array(payload: Payload | None) -> bool:
    """Whether a request holds many images, which are numbered."""
    return payload is not None and payload.media_type == NPY


def read_images(payload: Payload | None, side: int | None) -> Images | None:
    """Decode a request's images, also to `side` pixels as the endpoint does, unless it is None.

    Returns None for a request of another type. Raises RecordError for an image that is broken.
    """
    if payload is None:
        return None
    if is_array(payload):
        return _array(payload.data, side)
    if payload.media_type in PHOTOS:
        return _photo(payload.data, side)
    return None


def _array(data: bytes, side: int | None) -> Images | None:
    try:
        array = read_npy(data)
    except InvalidArray as error:
        raise RecordError(f"the input is broken npy: {error}") from None
    if array.dtype != np.uint8 or array.ndim != 4 or array.shape[3] != 3 or not array.size:
        return None  # numbers of another kind
    height, width = array.shape[1:3]
    return Images(array, width, height, _resized(array, side))


def _resized(array: np.ndarray, side: int | None) -> np.ndarray | None:
    if side is None or array.shape[1:3] == (side, side):
        return None if side is None else array
    small = [
        Image.fromarray(image).resize((side, side), Image.Resampling.LANCZOS) for image in array
    ]
    return np.stack([np.asarray(image) for image in small])


def _photo(data: bytes, side: int | None) -> Images:
    image = _open(data)
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise RecordError(f"the image has {width} x {height} pixels, more than {MAX_PIXELS:,}")
    try:
        pixels = _flat(image)
        if side is None:
            seen = None
        elif (width, height) == (side, side) and image.mode == "RGB" and not image.getexif():
            seen = pixels
        else:
            seen = np.frombuffer(to_model_pixels(data, side, MAX_PIXELS), np.uint8)
            seen = seen.reshape(1, side, side, 3)
    except HandlerError as error:
        raise RecordError(str(error)) from None
    except Exception:  # Pillow's decoders raise many classes on broken bytes
        raise RecordError("the image is broken or cut off") from None
    return Images(pixels, width, height, seen)


def _open(data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=tuple(FORMATS))
    except Exception:  # as above
        raise RecordError(f"the image is not a {FORMATS_IN_WORDS} that can be read") from None


def _flat(image: Image.Image) -> np.ndarray:
    """Pixels uint8 1 x H x W x 3, white where the image is transparent, FEATURE_SIDE at most."""
    image.draft(None, (FEATURE_SIDE, FEATURE_SIDE))
    if image.mode != "RGB" or image.has_transparency_data:
        image = to_eight_bits(image)
    if max(image.size) > FEATURE_SIDE:
        image.thumbnail((FEATURE_SIDE, FEATURE_SIDE), Image.Resampling.BOX)
    if image.mode == "RGBA":
        white = Image.new("RGB", image.size, "white")
        white.paste(image, mask=image.getchannel("A"))
        image = white
    return np.asarray(image)[None]
