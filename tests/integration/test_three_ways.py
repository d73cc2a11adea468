"""One model, three ways to ask it: its own file, the endpoint, and the whole workflow."""

import io
import json
import tarfile

import numpy as np
import onnxruntime
import pytest

from service.storage import split_uri
from tests.model import served

TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def archive(service) -> dict[str, bytes]:
    """The files of the model that the endpoint serves."""
    body = service.read(split_uri(service.served_archive())[1])
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar if member.isfile()}


@pytest.fixture(scope="module")
def test_set(service) -> dict[str, np.ndarray]:
    """The arrays of the test channel: images, labels, names, classes."""
    keys = service.keys("datasets/")
    (key,) = [key for key in keys if key.endswith("arrays/test/data.npz")]
    with np.load(io.BytesIO(service.read(key)), allow_pickle=False) as arrays:
        return {**arrays, "prefix": key.removesuffix("arrays/test/data.npz") + "images/test/"}


@pytest.fixture(scope="module")
def own(archive, test_set) -> np.ndarray:
    """Probabilities N x C by the model's own file."""
    session = onnxruntime.InferenceSession(archive["model.onnx"])
    return session.run(["probabilities"], {"images": test_set["images"]})[0]


def accuracy(predicted: np.ndarray, test_set) -> float:
    return float(np.mean(predicted == test_set["labels"]))


def photos(test_set) -> list[dict]:
    """An entry of a batch for each row of the test set, in its order."""
    rows = zip(test_set["classes"][test_set["labels"]], test_set["names"], strict=True)
    return [{"s3_key": f"{test_set['prefix']}{label}/{name}.png"} for label, name in rows]


def test_the_endpoint_answers_as_the_models_file(service, archive, own, test_set):
    runtime = service.client("sagemaker-runtime")

    def ask(body: bytes, content_type: str) -> list[list[float]]:
        answer = runtime.invoke_endpoint(
            EndpointName=service.outputs["EndpointName"], ContentType=content_type, Body=body
        )
        read = json.load(answer["Body"])
        assert read["classes"] == json.loads(archive["classes.json"])
        return read["inferences"]

    at_once = np.array(ask(served.npy(test_set["images"]), "application/x-npy"))
    np.testing.assert_allclose(at_once, own, atol=TOLERANCE)
    assert accuracy(at_once.argmax(1), test_set) == accuracy(own.argmax(1), test_set)

    bodies = [service.read(photo["s3_key"]) for photo in photos(test_set)]
    one_by_one = np.array([row for body in bodies for row in ask(body, "image/png")])
    np.testing.assert_allclose(one_by_one, own, atol=TOLERANCE)
    assert accuracy(one_by_one.argmax(1), test_set) == accuracy(own.argmax(1), test_set)


def test_the_workflow_answers_as_the_models_file(service, archive, own, test_set):
    execution = service.classify(photos(test_set), threshold=0)
    results = execution["output"]["results"]
    assert execution["output"]["counts"]["accepted"] == len(own)
    classes = json.loads(archive["classes.json"])
    labels = np.array([classes.index(result["label"]) for result in results])
    np.testing.assert_array_equal(labels, own.argmax(1))
    confidences = [result["confidence"] for result in results]
    np.testing.assert_allclose(confidences, own.max(1), atol=TOLERANCE)
    assert accuracy(labels, test_set) == accuracy(own.argmax(1), test_set)


def test_strangers_go_to_review_by_classify_classify_bulk_and_predict(service, test_set):
    prefix = test_set["prefix"].replace("images/test/", "images/strangers/")
    entries = [{"s3_key": key} for key in service.keys(prefix)[:20]]
    results = service.classify(entries)["output"]["results"]
    in_review = {each["s3_key"] for each in results if each["status"] == "review"}
    assert len(in_review) > 0.8 * len(entries) == 16
    run = service.classify_bulk(entries)
    found = {each["s3_key"] for each in service.bulk_results(run) if each["status"] == "review"}
    assert found == in_review

    places = [f"s3://{service.bucket}/{entry['s3_key']}" for entry in entries]
    said = service.script("predict", *places).stdout
    assert f"20 photos: {20 - len(in_review)} accepted, {len(in_review)} review, 0 failed" in said
