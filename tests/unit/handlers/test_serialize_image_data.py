import base64
import io
import json
from unittest.mock import Mock

import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.response import StreamingBody
from botocore.stub import Stubber
from PIL import Image
from urllib3.exceptions import SSLError

from handlers import errors, serialize_image_data
from tests.unit.handlers import photos
from tests.unit.handlers.calls import CONTEXT, photo

EVENT = {"s3_bucket": "photos", "s3_key": "bike.png"}


@pytest.fixture
def s3():
    with Stubber(serialize_image_data.S3) as stub:
        yield stub
        stub.assert_no_pending_responses()


def call(event=EVENT):
    return serialize_image_data.handler(event, CONTEXT)


def test_a_photo_becomes_image_data_and_the_log_names_it_without(s3, log):
    s3.add_response(
        "get_object",
        photo(photos.encoded(photos.two_halves(), "JPEG")),
        {"Bucket": "photos", "Key": "bike.png"},
    )
    result = call({**EVENT, "image_data": "", "inferences": []})
    data = result.pop("image_data")
    assert json.loads(log.getvalue())["s3_key"] == "bike.png"
    assert data[100:140] not in log.getvalue()
    image = Image.open(io.BytesIO(base64.b64decode(data)))
    assert (image.format, image.size, image.mode) == ("PNG", (32, 32), "RGB")
    assert result == EVENT


@pytest.mark.parametrize(
    "key",
    ["a photo.png", "a+b.png", "100%25.png", "日本/été 🚲.png", 'it\'s "here".png', "a\\b\n.png"],
)
def test_odd_keys_are_taken_as_they_are(s3, key):
    answer = photo(photos.encoded(photos.two_halves(), "PNG"))
    s3.add_response("get_object", answer, {"Bucket": "photos", "Key": key})
    assert call({**EVENT, "s3_key": key})["s3_key"] == key


ODD = [("s3_key", ""), ("s3_key", ["bike.png"]), ("s3_key", "\ud800"), ("s3_bucket", {})]
JUNK = [None, "bike.png", {"s3_key": "bike.png"}, {"s3_bucket": "photos"}]


@pytest.mark.parametrize("event", [*JUNK, *({**EVENT, name: value} for name, value in ODD)])
def test_junk_events_are_invalid_input(event):
    with pytest.raises(errors.InvalidInput, match=r"event|s3_"):
        call(event)


@pytest.mark.parametrize("bucket", ["elsewhere", "Photos", "photos,archive"])
def test_no_other_bucket_is_asked(s3, bucket):
    with pytest.raises(errors.BucketNotAllowed):
        call({**EVENT, "s3_bucket": bucket})


def test_too_many_bytes_are_not_even_read(s3):
    file = io.BytesIO(b"the first bytes of many")
    answer = {"Body": StreamingBody(file, 25_000_000), "ContentLength": 25_000_000}
    s3.add_response("get_object", answer)
    with pytest.raises(errors.ImageTooLarge, match="25000000 bytes"):
        call()
    assert file.closed


@pytest.mark.parametrize(
    ("code", "status", "name"),
    [
        ("NoSuchKey", 404, errors.ImageNotFound),
        ("NoSuchBucket", 404, errors.ImageNotFound),
        ("AccessDenied", 403, errors.AccessDenied),
        ("KeyTooLongError", 400, errors.InvalidInput),
        ("RequestTimeout", 400, errors.StorageUnavailable),
        ("InternalError", 500, errors.StorageUnavailable),
        ("SlowDown", 503, errors.StorageUnavailable),
    ],
)
def test_errors_of_s3_have_names(s3, code, status, name):
    s3.add_client_error("get_object", code, "what S3 says", status)
    with pytest.raises(name, match="what S3 says"):
        call()


@pytest.mark.parametrize(
    "failure", [EndpointConnectionError(endpoint_url="https://s3"), SSLError("bad record")]
)
def test_no_way_to_s3_and_errors_of_tls_are_worth_a_retry(monkeypatch, failure):
    monkeypatch.setattr(serialize_image_data.S3, "get_object", Mock(side_effect=failure))
    with pytest.raises(errors.StorageUnavailable):
        call()
