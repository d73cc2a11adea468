"""The photos of these tests are of the tiny model's size, and S3 is in memory."""

import pytest

from monitoring import files
from service import config
from tests.model import served
from tests.unit.service.memory_s3 import MemoryS3


@pytest.fixture(autouse=True)
def small_photos(monkeypatch):
    content = config.load()
    content = content | {"image": content["image"] | {"size": served.SIDE}}
    monkeypatch.setattr(config, "load", lambda: content)


@pytest.fixture
def s3(monkeypatch):
    memory = MemoryS3()
    monkeypatch.setattr(files, "s3_client", lambda: memory)
    return memory
