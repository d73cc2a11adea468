import pytest

from handlers.settings import Settings
from tests.unit.handlers.conftest import ENVIRONMENT


def test_no_extra_buckets_means_the_own_one_alone():
    assert Settings.from_env({**ENVIRONMENT, "EXTRA_BUCKETS": ""}).buckets == {"photos"}


@pytest.mark.parametrize("name", ["BUCKET_NAME", "IMAGE_SIZE", "ENDPOINT_NAME", "THRESHOLD"])
def test_a_missing_variable_is_named(name):
    environment = {key: value for key, value in ENVIRONMENT.items() if key != name}
    with pytest.raises(KeyError, match=name):
        Settings.from_env(environment)
