"""The HTTP application: every answer, good and bad."""

import asyncio
import io
import json
import logging

import numpy as np
import pytest

from model.serving import app as application
from model.serving.classifier import Classifier, ModelError
from model.serving.log import JsonFormatter
from tests.model import served
from tests.unit.handlers import photos

NPY = "application/x-npy"


@pytest.fixture(scope="module")
def classifier(tmp_path_factory) -> Classifier:
    return Classifier(served.write_model(tmp_path_factory.mktemp("model")))


@pytest.fixture(scope="module")
def app(classifier):
    return application.Application(classifier)


def request(app, method: str, path: str, headers: dict | None = None, chunks: list[bytes] = ()):
    """Send one request to an ASGI application. Returns (status, headers, body)."""
    parts = list(chunks) or [b""]
    events = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    events[-1]["more_body"] = False
    sent = []

    async def receive():
        return events.pop(0) if events else {"type": "http.disconnect"}

    async def send(event):
        sent.append(event)

    named = [(k.lower().encode(), v.encode()) for k, v in (headers or {}).items()]
    scope = {"type": "http", "method": method, "path": path, "headers": named}
    asyncio.run(app(scope, receive, send))
    start, *bodies = sent
    found = {key.decode(): value.decode() for key, value in start["headers"]}
    return start["status"], found, b"".join(event.get("body", b"") for event in bodies)


def invoke(app, body: bytes, content_type: str | None = "image/png", **headers: str):
    """POST /invocations. Keyword names stand for headers: accept, content_length."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if content_type is not None:
        sent["content-type"] = content_type
    return request(app, "POST", "/invocations", sent, [body])


def test_ping_answers_200_unless_the_model_does_not_answer(app):
    assert request(app, "GET", "/ping")[0] == 200

    class Broken:
        def check(self):
            raise ModelError("no answer")

    status, _, body = request(application.Application(Broken()), "GET", "/ping")
    assert (status, json.loads(body)["error"]) == (503, "ModelUnavailable")


@pytest.mark.parametrize("content_type", ["image/png", "IMAGE/PNG; charset=binary"])
def test_one_png(app, content_type):
    image = served.images(1)
    status, headers, body = invoke(app, served.encode(image[0], "PNG"), content_type)
    answer = json.loads(body)
    assert status == 200
    assert headers["content-type"] == "application/json"
    assert answer["classes"] == served.CLASSES
    np.testing.assert_allclose(answer["inferences"], served.expected(image), atol=1e-6)


@pytest.mark.parametrize("count", [1, application.BATCH + 1])
def test_an_array_of_images_in_parts_is_answered_in_order(app, count):
    images = served.images(count)
    array = served.npy(images)
    parts = [array[at : at + 1000] for at in range(0, len(array), 1000)]
    status, _, body = request(app, "POST", "/invocations", {"content-type": NPY}, parts)
    assert status == 200
    inferences = json.loads(body)["inferences"]
    np.testing.assert_allclose(inferences, served.expected(images), atol=1e-6)


@pytest.mark.parametrize(
    "accept", ["", "*/*", "Application/JSON; charset=utf-8", "text/csv, application/*;q=0.5"]
)
def test_an_accept_header_that_takes_json_gets_it(app, accept):
    status, headers, _ = invoke(app, served.encode(served.images(1)[0], "PNG"), accept=accept)
    assert (status, headers["content-type"]) == (200, "application/json")


def npy_header(shape: tuple[int, ...]) -> bytes:
    """The header of an array of bytes, without the array."""
    file = io.BytesIO()
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue()


IMAGES = served.images(2)
ARRAY = served.npy(IMAGES)
PNG = served.encode(IMAGES[0], "PNG")
LARGE = bytes(application.MAX_BYTES + 1)
ODD_JPEG = photos.odd_exif()
ANNOUNCED = {"content_length": str(application.MAX_BYTES + 1)}
# body, content type, other headers, status, error
BAD_REQUESTS = {
    "no type": (PNG, None, {}, 415, "UnsupportedMediaType"),
    "PDF": (b"%PDF-1.7", "application/pdf", {}, 415, "UnsupportedMediaType"),
    "Accept CSV": (PNG, "image/png", {"accept": "text/csv"}, 406, "NotAcceptable"),
    "JPEG": (ODD_JPEG, "image/jpeg", {}, 415, "UnsupportedMediaType"),
    "JPEG as PNG": (ODD_JPEG, "image/png", {}, 400, "InvalidImage"),
    "empty image": (b"", "image/png", {}, 400, "InvalidImage"),
    "PNG cut off": (PNG[:-40], "image/png", {}, 400, "InvalidImage"),
    "too many bytes announced": (b"", "image/png", ANNOUNCED, 413, "RequestTooLarge"),
    "too large an array": (LARGE, NPY, {}, 413, "RequestTooLarge"),
    "text as npy": (b"hello there", NPY, {}, 400, "InvalidArray"),
    "npy version 9": (b"\x93NUMPY\x09\x00" + ARRAY[8:], NPY, {}, 400, "InvalidArray"),
    "npy cut off": (ARRAY[:-1], NPY, {}, 400, "InvalidArray"),
    "npy with a tail": (ARRAY + b"\0", NPY, {}, 400, "InvalidArray"),
    "pickled objects": (served.npy(np.array([{}, None])), NPY, {}, 400, "InvalidArray"),
    "no images": (served.npy(IMAGES[:0]), NPY, {}, 400, "InvalidArray"),
    "a number": (served.npy(np.uint8(1)), NPY, {}, 400, "InvalidArray"),
    "floats": (served.npy(IMAGES / 255), NPY, {}, 400, "InvalidArray"),
    "another size": (served.npy(IMAGES[:, :8, :8]), NPY, {}, 400, "InvalidArray"),
    "Fortran order": (served.npy(np.asfortranarray(IMAGES)), NPY, {}, 400, "InvalidArray"),
    "structures": (served.npy(np.zeros(4, [("n" * 999, "u1")])), NPY, {}, 400, "InvalidArray"),
    "65 sides": (npy_header((1,) * 65) + b"\0", NPY, {}, 400, "InvalidArray"),
    "an endless side": (npy_header((0, 10**30)), NPY, {}, 400, "InvalidArray"),
    "a promise of 9,000 digits": (npy_header((10**3000,) * 3), NPY, {}, 400, "InvalidArray"),
    "a promise of terabytes": (npy_header((2 * 10**9, 16, 16, 3)), NPY, {}, 400, "InvalidArray"),
}


@pytest.mark.parametrize(
    ("body", "content_type", "headers", "status", "error"), BAD_REQUESTS.values(), ids=BAD_REQUESTS
)
def test_a_bad_request_is_answered_with_its_fault(app, body, content_type, headers, status, error):
    found, answer_headers, answer = invoke(app, body, content_type, **headers)
    fault = json.loads(answer)
    assert (found, fault["error"]) == (status, error)
    assert answer_headers["content-type"] == "application/json"
    assert set(fault) == {"error", "message"}
    assert 10 < len(fault["message"]) < 300
    if status == 415:
        assert "takes application/x-npy, uint8 N x 16 x 16 x 3, and image/png" in fault["message"]


@pytest.mark.parametrize(
    ("method", "path", "status", "error"),
    [("GET", "/", 404, "NotFound"), ("POST", "/ping", 405, "MethodNotAllowed")],
)
def test_other_routes_are_answered_in_json(app, method, path, status, error):
    found, _, body = request(app, method, path)
    assert (found, json.loads(body)["error"]) == (status, error)


def test_a_failure_of_the_model_is_a_500_that_tells_no_secrets(classifier, caplog):
    class Broken:
        side, classes = classifier.side, classifier.classes

        def __call__(self, images):
            raise RuntimeError("arena exhausted at 0x1234")

    status, _, body = invoke(application.Application(Broken()), PNG)
    fault = json.loads(body)
    assert (status, fault["error"]) == (500, "InternalError")
    assert "0x1234" not in fault["message"]
    assert "0x1234" in caplog.text


def logged(caplog) -> list[str]:
    return [JsonFormatter().format(record) for record in caplog.records if record.name == "serving"]


def test_the_log_has_the_request_id_and_no_pixels(app, caplog):
    caplog.set_level(logging.INFO)
    body = served.npy(np.full((1, served.SIDE, served.SIDE, 3), ord("Q"), np.uint8))
    request(
        app,
        "POST",
        "/invocations",
        {"content-type": NPY, "X-Amzn-SageMaker-Inference-Id": 'photo-7"\nforged'},
        [body],
    )
    invoke(app, b"QQQQQQQQ")
    good, bad = logged(caplog)
    assert json.loads(good)["request_id"] == 'photo-7"\nforged'
    assert json.loads(good)["images"] == 1
    assert json.loads(good)["status"] == 200
    assert json.loads(bad)["error"] == "InvalidImage"
    assert len(json.loads(bad)["request_id"]) == 32
    for line in (good, bad):
        assert "\n" not in line
        assert "QQ" not in line


# What replaces a file of the model, or what another model is; None for a file that is missing.
MODEL_FAULTS = {
    "no model": ({"model.onnx": None}, "model.onnx is missing"),
    "rubbish": ({"model.onnx": b"x"}, "cannot be loaded"),
    "no classes": ({"classes.json": None}, "cannot be read"),
    "classes not JSON": ({"classes.json": b"["}, "cannot be read"),
    "classes not a list": ({"classes.json": b"{}"}, "not a list"),
    "a class without a name": ({"classes.json": b'["red", "green", ""]'}, "not a list"),
    "half a character": ({"classes.json": b'["red", "green", "\\ud800"]'}, "not a list"),
    "a class's name too long": ({"classes": ["red", "green", "é" * 33]}, "1 to 64 bytes"),
    "a class twice": ({"classes": ["red", "green", "red"]}, "names a class twice"),
    "too few classes": ({"classes": ["red"]}, "3 numbers an image, classes.json names 1"),
    "no probabilities": ({"outputs": ("embedding",)}, "it has images .* and embedding"),
    "not a number": ({"scale": float("nan")}, "not probabilities that sum to at most 1"),
    "more than 1": ({"known": 1.01}, "not probabilities that sum to at most 1"),
    "less than 0": ({"known": -0.1}, "not probabilities that sum to at most 1"),
}


@pytest.mark.parametrize(("change", "reason"), MODEL_FAULTS.values(), ids=MODEL_FAULTS)
def test_a_broken_model_is_refused_with_the_reason(tmp_path, change, reason):
    files = {name: content for name, content in change.items() if "." in name}
    served.write_model(tmp_path, **{k: v for k, v in change.items() if k not in files})
    for name, content in files.items():
        (tmp_path / name).unlink()
        if content is not None:
            (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match=reason):
        Classifier(tmp_path)


@pytest.mark.parametrize(
    "model",
    [
        *({"known": known} for known in (1.0, 0.4, 0.0)),
        *({"outputs": names} for names in (("probabilities",), ("embedding", "probabilities"))),
    ],
    ids=str,
)
def test_a_model_may_leave_a_part_to_none_of_the_classes_and_have_other_outputs(tmp_path, model):
    images = served.images(3)
    answers = Classifier(served.write_model(tmp_path, **model))(images)
    wanted = model.get("known", 1) * served.expected(images)
    np.testing.assert_allclose(answers, wanted, atol=1e-6)
