"""The photos of these tests are of the tiny model's size."""

import pytest

from service import config
from tests.model import served


@pytest.fixture(autouse=True)
def small_photos(monkeypatch):
    content = config.load()
    content = content | {"image": content["image"] | {"size": served.SIDE}}
    monkeypatch.setattr(config, "load", lambda: content)
