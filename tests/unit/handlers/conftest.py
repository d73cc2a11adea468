"""The handlers, imported in the environment that serverless.yml gives them."""

import io
import os
from unittest.mock import patch

import pytest

ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "BUCKET_NAME": "photos",
    "EXTRA_BUCKETS": "archive,guests",
    "IMAGE_SIZE": "32",
    "IMAGE_MAX_BYTES": "20000000",
    "IMAGE_MAX_PIXELS": "50000000",
    "ENDPOINT_NAME": "vehicles",
    "THRESHOLD": "0.8",
    "POWERTOOLS_SERVICE_NAME": "scones-vehicles",
}

# They read it once, when imported; the tests of other folders keep theirs.
with patch.dict(os.environ, ENVIRONMENT):
    from handlers import (  # noqa: F401
        classify_image,
        count_results,
        filter_low_confidence,
        serialize_image_data,
    )


@pytest.fixture
def log(monkeypatch) -> io.StringIO:
    """What the functions log, in place of their standard output."""
    from handlers.logs import logger

    stream = io.StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", stream)
    return stream
