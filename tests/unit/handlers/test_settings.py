import dataclasses

import pytest

from handlers.settings import Settings
from tests.unit.handlers.conftest import ENVIRONMENT

SETTINGS = Settings.from_env(ENVIRONMENT)


def test_the_environment_becomes_typed_values():
    assert SETTINGS.buckets == {"photos", "archive", "guests"}
    assert (SETTINGS.image_size, SETTINGS.threshold) == (32, 0.8)


def test_no_extra_buckets_means_the_own_one_alone():
    assert Settings.from_env({**ENVIRONMENT, "EXTRA_BUCKETS": ""}).buckets == {"photos"}


def test_settings_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        SETTINGS.threshold = 0.0


@pytest.mark.parametrize("name", ["BUCKET_NAME", "IMAGE_SIZE", "ENDPOINT_NAME", "THRESHOLD"])
def test_a_missing_variable_is_named(name):
    environment = {key: value for key, value in ENVIRONMENT.items() if key != name}
    with pytest.raises(KeyError, match=name):
        Settings.from_env(environment)
