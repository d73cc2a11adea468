"""The workflow on photos that it was made for."""

import json
import time

import pytest

from handlers.outcomes import tally
from tests.integration.fault_server import answer, endpoint


def test_a_batch_is_answered_in_order_and_counted(classified, batch):
    *results, absent = classified["output"]["results"]
    assert [r["s3_key"] for r in results] == [i["s3_key"] for i in batch["images"]]
    assert absent["error"] == "ImageNotFound"
    assert classified["output"]["counts"] == {
        "submitted": len(results) + 1,
        **tally([*(result["status"] for result in results), "failed"]),
    }
    for result in results:
        assert (result["confidence"] >= 0.9) == (result["status"] == "accepted")
    right = sum(f"/{result['label']}/" in result["s3_key"] for result in results)
    assert right >= 0.9 * len(results)


def test_the_bucket_may_be_missing_and_the_empty_fields_of_the_course_project_given(service, photo):
    course = {"image_data": "", "inferences": [], **photo}
    images = [{"s3_key": photo["s3_key"]}, course]
    first, second = service.classify(images, threshold=0)["output"]["results"]
    assert first == second
    assert (first["status"], first["s3_bucket"]) == ("accepted", service.bucket)


def test_below_the_threshold_an_image_goes_to_review_with_label_and_confidence(service, photo):
    unsure = answer({"classes": ["bicycle", "motorcycle"], "inferences": [[0.3, 0.7]]})
    with endpoint(service, lambda _: unsure):
        (review,) = service.classify([photo], threshold=0.71)["output"]["results"]
        (accepted,) = service.classify([photo], threshold=0.7)["output"]["results"]
    assert review == {**photo, "status": "review", "label": "motorcycle", "confidence": 0.7}
    assert accepted == {**review, "status": "accepted"}


def test_no_image_bytes_stay_in_history_or_logs(service, photo):
    serialized = json.loads(
        service.client("lambda")
        .invoke(
            FunctionName=f"scones-vehicles-{service.stage}-serializeImageData",
            Payload=json.dumps(photo),
        )["Payload"]
        .read()
    )
    image_data = serialized["image_data"]
    execution = service.classify([photo], threshold=0)
    assert image_data[:60] not in json.dumps(execution["output"])
    logs = service.client("logs")
    groups = logs.describe_log_groups()["logGroups"]
    assert any("serializeImageData" in group["logGroupName"] for group in groups)
    for group in groups:
        events = logs.filter_log_events(logGroupName=group["logGroupName"])["events"]
        assert not any(image_data[:60] in event["message"] for event in events)


def test_every_answer_is_captured(service, photo):
    (result,) = service.classify([photo], threshold=0)["output"]["results"]
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        answers = [
            json.loads(record["captureData"]["endpointOutput"]["data"])
            for record in service.captures()
        ]
        if any(max(a["inferences"][0]) == pytest.approx(result["confidence"]) for a in answers):
            assert all(a["classes"] == ["bicycle", "motorcycle"] for a in answers)
            return
        time.sleep(0.2)
    pytest.fail(f"no record of {result} among {len(answers)}")
