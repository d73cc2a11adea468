import pytest

from handlers import errors
from handlers.photo import to_model_input
from scripts.generate import bad_images
from service import config
from tests.unit.handlers import photos


@pytest.mark.parametrize(("name", "kind"), bad_images.KINDS.items(), ids=bad_images.KINDS)
def test_each_kind_is_refused_by_the_name_that_the_table_says(name, kind):
    body = kind.make(photos.noise(64))
    limits = config.load()["image"]
    if len(body) > limits["max_bytes"]:
        assert kind.error == errors.ImageTooLarge.__name__  # not even read
        return
    with pytest.raises(errors.HandlerError) as raised:
        to_model_input(body, limits["size"], limits["max_pixels"])
    assert type(raised.value).__name__ == kind.error
