import base64
import io
import json
from types import SimpleNamespace

import pytest
from PIL import Image

from handlers.photo import to_model_input
from scripts.deploy_endpoint import __main__ as deploy_endpoint
from scripts.generate.bad_images import encode
from service.labelled_images import grey_picture
from service.terminal import UserError
from tests.unit.service.memory_s3 import MemoryS3

FUNCTION = "scones-vehicles-dev-classifyImage"
ANSWER = {"inferences": [0.9, 0.1], "label": "bicycle", "confidence": 0.9}
KEY = "datasets/small/images/test/bicycle/1.png"


class Functions:
    """Lambda in memory: gives these answers, one a call, and keeps what it was asked."""

    def __init__(self, *answers: dict | str):
        self.answers = list(answers)
        self.asked = []

    def invoke(self, FunctionName, Payload):  # noqa: N803
        assert FunctionName == FUNCTION
        self.asked.append(base64.b64decode(json.loads(Payload)["image_data"]))
        answer = self.answers.pop(0)
        failed = isinstance(answer, str)
        content = {"errorType": answer, "errorMessage": "because"} if failed else answer
        error = {"FunctionError": "Unhandled"} if failed else {}
        return {"Payload": io.BytesIO(json.dumps(content).encode()), **error}


@pytest.fixture(autouse=True)
def waits(monkeypatch):
    waited = []
    monkeypatch.setattr(deploy_endpoint.time, "sleep", waited.append)
    return waited


def classify(s3: MemoryS3, functions: Functions) -> None:
    clients = {"s3": s3, "lambda": functions}
    cloud = SimpleNamespace(client=clients.__getitem__)
    deploy_endpoint.classify_sample(cloud, "bucket", FUNCTION)


def test_a_test_photo_and_a_stranger_go_through_the_function(capsys):
    s3, functions = MemoryS3(), Functions(ANSWER, ANSWER | {"confidence": 0.02})
    s3.put_object("bucket", "datasets/small/dataset.json", dataset("small", 32), "")
    photo = encode(Image.new("RGB", (40, 40), "red"), "PNG")
    s3.put_object("bucket", KEY, photo, "")
    classify(s3, functions)
    assert functions.asked == [to_model_input(photo, 32, 10_000), grey_picture(32)]
    said = " ".join(capsys.readouterr().out.split())
    assert f"s3://bucket/{KEY}: bicycle, confidence 0.9000" in said
    assert "a grey picture: bicycle, confidence 0.0200" in said


def test_functions_that_can_use_no_answer_to_a_stranger_are_an_error():
    s3 = MemoryS3()
    s3.put_object("bucket", "datasets/small/dataset.json", dataset("small", 32), "")
    s3.put_object("bucket", KEY, encode(Image.new("RGB", (40, 40), "red"), "PNG"), "")
    with pytest.raises(UserError, match="cannot use this model: InvalidModelResponse"):
        classify(s3, Functions(ANSWER, "InvalidModelResponse"))


def dataset(name: str, size: int) -> bytes:
    return json.dumps({"name": name, "image_size": size, "classes": ["bicycle"]}).encode()


@pytest.mark.parametrize(
    "descriptions", [{}, {"large": dataset("large", 64)}, {"empty": dataset("empty", 32)}]
)
def test_a_stage_without_a_photo_of_that_size_is_tried_with_a_grey_picture(descriptions, capsys):
    s3, functions = MemoryS3(), Functions(ANSWER)
    for name, body in descriptions.items():
        s3.put_object("bucket", f"datasets/{name}/dataset.json", body, "")
    classify(s3, functions)
    with Image.open(io.BytesIO(functions.asked[0])) as picture:
        assert (picture.size, picture.mode) == ((32, 32), "RGB")
        assert len(picture.getcolors()) == 1
    assert "a grey picture" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("errors", "tries"),
    [(["InvalidModelResponse"], 1), (["EndpointUnavailable"] * 4, deploy_endpoint.TRIES)],
)
def test_an_error_is_one_at_once_or_where_it_may_pass_after_some_tries(waits, errors, tries):
    functions = Functions(*errors)
    with pytest.raises(UserError, match=f"{FUNCTION} cannot use this model: {errors[0]}.*because"):
        deploy_endpoint.call_function(functions, FUNCTION, b"")
    assert (len(functions.asked), len(waits)) == (tries, tries - 1)


def test_an_error_that_passes_is_tried_again(waits):
    functions = Functions("EndpointThrottled", "EndpointTimeout", ANSWER)
    assert deploy_endpoint.call_function(functions, FUNCTION, b"") == ANSWER
    assert len(waits) == 2
