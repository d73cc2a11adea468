"""The workflow on photos that it was made for."""

import io
import json

from PIL import Image

from handlers.outcomes import tally
from scripts.generate import bad_images
from tests.integration.fault_server import answer, endpoint

ODD_NAMES = (
    *("a b.png", "plus+sign.png", "per%20cent%.png", 'quote"and\\backslash.png'),
    "Fahrräder/自転車 🚲.png",
)


def test_each_entry_ends_alone_whatever_it_is(service, photo):
    """Good ones are accepted at this threshold; one stands between any two others."""
    body = service.read(photo["s3_key"])
    image = Image.open(io.BytesIO(body))
    service.client("s3").create_bucket(Bucket="somebody-elses-photos")
    foreign = service.put("photo.png", body, "somebody-elses-photos")
    wanted = [(service.put(f"tests/{name}", body), None) for name in ODD_NAMES]
    for name, kind in bad_images.KINDS.items():
        wanted.append((service.put(f"tests/{name}.png", kind.make(image)), kind.error))
    wanted += [({"s3_key": "tests/absent.png"}, "ImageNotFound"), (foreign, "BucketNotAllowed")]
    for entry in (None, 7, [[photo]], {}, {"s3_key": 7}, {**photo, "s3_bucket": None}):
        wanted.append((entry, "InvalidInput"))

    images = [each for entry, _ in wanted for each in (entry, photo)]
    output = service.classify(images, threshold=0)["output"]
    results, between = output["results"][::2], output["results"][1::2]
    assert [result.get("error") for result in results] == [error for _, error in wanted]
    assert [result["s3_key"] for result in results[: len(ODD_NAMES)]] == [
        entry["s3_key"] for entry, _ in wanted[: len(ODD_NAMES)]
    ]
    assert between[0]["status"] == "accepted"
    assert all(result == between[0] for result in between)
    statuses = [result["status"] for result in output["results"]]
    assert output["counts"] == {"submitted": len(images), **tally(statuses)}


def test_below_the_threshold_an_image_goes_to_review_with_label_and_confidence(service, photo):
    unsure = answer({"classes": ["bicycle", "motorcycle"], "inferences": [[0.3, 0.7]]})
    with endpoint(service, lambda _: unsure):
        (review,) = service.classify([photo], threshold=0.71)["output"]["results"]
        (accepted,) = service.classify([photo], threshold=0.7)["output"]["results"]
    assert review == {**photo, "status": "review", "label": "motorcycle", "confidence": 0.7}
    assert accepted == {**review, "status": "accepted"}


def test_no_image_bytes_stay_in_history_or_logs(service, photo):
    function = f"scones-vehicles-{service.stage}-serializeImageData"
    answer = service.client("lambda").invoke(FunctionName=function, Payload=json.dumps(photo))
    image_data = json.load(answer["Payload"])["image_data"]
    execution = service.classify([photo], threshold=0)
    assert image_data[:60] not in json.dumps(execution["output"])
    logs = service.client("logs")
    groups = logs.describe_log_groups()["logGroups"]
    assert any("serializeImageData" in group["logGroupName"] for group in groups)
    for group in groups:
        events = logs.filter_log_events(logGroupName=group["logGroupName"])["events"]
        assert not any(image_data[:60] in event["message"] for event in events)
