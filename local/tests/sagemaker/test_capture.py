"""Data Capture writes what AWS writes, where AWS writes it, as the execution role."""

import base64
import json
import re
from datetime import UTC, datetime

import pytest

from local.sagemaker.logs import endpoint_group
from local.tests.conftest import until
from local.tests.sagemaker.conftest import model_archive, photo


@pytest.fixture
def captured(sagemaker, bicycle_model):
    """Records by the file they are in, of an endpoint that has been asked and deleted."""

    def capture(times: int, model: str = bicycle_model, **changes) -> dict[str, list[dict]]:
        config = sagemaker.config(model, DataCaptureConfig=sagemaker.capture_config(**changes))
        endpoint = sagemaker.endpoint(config)
        for number in range(times):
            sagemaker.invoke(endpoint, InferenceId=f"photo-{number}")
        sagemaker.delete(endpoint)
        return {
            key: [json.loads(line) for line in read(sagemaker, key).splitlines()]
            for key in sagemaker.keys(f"capture/{endpoint}/")
        }

    return capture


def test_every_invocation_is_captured_once_in_awss_form(captured):
    files = captured(20)
    hour = f"{datetime.now(UTC):%Y/%m/%d/%H}"
    path = re.compile(rf"capture/[\w-]+/v0/{hour}/\d\d-\d\d-\d{{3}}-[0-9a-f-]{{36}}\.jsonl")
    assert all(map(path.fullmatch, files)), files
    records = [record for file in files.values() for record in file]
    asked = [record["eventMetadata"]["inferenceId"] for record in records]
    assert sorted(asked) == sorted(f"photo-{number}" for number in range(20))
    assert len({record["eventMetadata"]["eventId"] for record in records}) == 20
    record = records[0]
    assert record["eventVersion"] == "0"
    assert datetime.strptime(record["eventMetadata"]["inferenceTime"], "%Y-%m-%dT%H:%M:%SZ")
    sides = record["captureData"]
    assert sides["endpointInput"] == {
        "observedContentType": "image/png",
        "mode": "INPUT",
        "data": base64.b64encode(photo()).decode(),
        "encoding": "BASE64",
    }
    output = sides["endpointOutput"]
    assert (output["mode"], output["encoding"]) == ("OUTPUT", "JSON")
    assert json.loads(output["data"])["classes"] == ["bicycle", "motorcycle"]


def test_only_the_sides_asked_for_are_captured_and_types_not_listed_as_base64(captured):
    types = {"JsonContentTypes": ["application/jsonlines"]}
    options = [{"CaptureMode": "Output"}]
    (records,) = captured(1, CaptureContentTypeHeader=types, CaptureOptions=options).values()
    ((side, output),) = records[0]["captureData"].items()
    assert (side, output["encoding"]) == ("endpointOutput", "BASE64")
    assert json.loads(base64.b64decode(output["data"]))["classes"]


@pytest.mark.parametrize("changes", [{"InitialSamplingPercentage": 0}, {"EnableCapture": False}])
def test_nothing_is_captured_where_nothing_is_asked_for(captured, changes):
    assert captured(3, **changes) == {}


def test_records_are_written_while_the_endpoint_serves(sagemaker, bicycle_model):
    config = sagemaker.config(bicycle_model, DataCaptureConfig=sagemaker.capture_config())
    endpoint = sagemaker.endpoint(config)
    described = sagemaker.client.describe_endpoint(EndpointName=endpoint)["DataCaptureConfig"]
    assert described["CaptureStatus"] == "Started"
    sagemaker.invoke(endpoint)
    assert until(lambda: sagemaker.keys(f"capture/{endpoint}/"), bool, 5)
    sagemaker.delete(endpoint)


def test_records_that_cannot_be_written_are_named_in_the_log(sagemaker):
    role = sagemaker.make_role(("s3:GetObject", "*"), ("logs:*", "*"))
    model = sagemaker.model(model_archive("bicycle"), ExecutionRoleArn=role)
    config = sagemaker.config(model, DataCaptureConfig=sagemaker.capture_config())
    endpoint = sagemaker.endpoint(config)
    sagemaker.invoke(endpoint)
    lines = until(lambda: sagemaker.log(endpoint_group(endpoint), "v0/data-log"), bool, 10)
    assert "1 captured records not written" in lines[0]
    assert "AccessDenied" in lines[0]
    sagemaker.delete(endpoint)


def read(sagemaker, key: str) -> str:
    return sagemaker.get(f"s3://{sagemaker.bucket}/{key}").decode()
