"""A batch that cannot be worked on ends as InvalidBatch and says why; nothing of it is tried."""

import json

import botocore.exceptions
import pytest

from handlers.outcomes import tally

PHOTO = {"s3_key": "tests/good.png"}


@pytest.mark.parametrize(
    ("batch", "said"),
    [
        ({}, "images"),
        ({"images": []}, "images"),
        ({"images": "tests/good.png"}, "images"),
        ({"images": [PHOTO] * 501}, "500"),
        ({"images": [PHOTO, {"s3_bucket": "somewhere"}]}, "s3_key"),
        ({"images": [PHOTO, {"s3_key": 7}]}, "s3_key"),
        ({"images": [PHOTO], "threshold": 1.5}, "threshold"),
        ({"images": [PHOTO], "threshold": "high"}, "threshold"),
        ([PHOTO], "object"),
    ],
)
def test_a_malformed_batch_is_named_and_explained(service, batch, said):
    execution = service.wait(service.start(batch))
    assert (execution["status"], execution["error"]) == ("FAILED", "InvalidBatch")
    assert said in execution["cause"]


def test_a_batch_that_is_not_json_does_not_start(service):
    states = service.client("stepfunctions")
    machine = service.outputs["ClassifyStateMachineArn"]
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        states.start_execution(stateMachineArn=machine, input="{'images': []}")
    assert refused.value.response["Error"]["Code"] == "InvalidExecutionInput"


def test_a_batch_in_which_every_image_failed_fails_with_its_counts(service):
    absent = [{"s3_key": f"tests/absent-{n}.png"} for n in range(3)]
    execution = service.classify(absent)
    assert (execution["status"], execution["error"]) == ("FAILED", "BatchFailed")
    cause = json.loads(execution["cause"])
    assert cause["counts"] == {"submitted": 3, **tally(["failed"] * 3)}
