from pathlib import Path

import pytest

from handlers.errors import ImageNotFound, ImageTooLarge, InvalidInput
from scripts.predict import read
from service import terminal


def test_files_fail_by_the_names_that_objects_do(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"1234")
    assert read(None, tmp_path / "a.jpg", max_bytes=4) == b"1234"
    with pytest.raises(ImageTooLarge):
        read(None, tmp_path / "a.jpg", max_bytes=3)
    with pytest.raises(ImageNotFound):
        read(None, Path("absent.png"), max_bytes=4)
    with pytest.raises(InvalidInput):
        read(None, tmp_path, max_bytes=10**6)


def test_the_table_has_a_row_a_photo_and_shows_any_name():
    results = [
        ("a.png", {"status": "accepted", "label": "bicycle", "confidence": 0.97125}),
        ("b.png", {"status": "review", "label": "motorcycle", "confidence": 0.5}),
        (
            "\udcff\x1b[2J[red].png",
            {"status": "failed", "error": "InvalidImage: the file is empty"},
        ),
    ]
    said = terminal.render(terminal.results_table(results)).splitlines()
    assert said[2].split() == ["a.png", "accepted", "bicycle", "0.9712"]
    assert said[3].split() == ["b.png", "review", "motorcycle", "0.5000"]
    assert said[4].split()[0] == r"\udcff\x1b[2J[red].png"
    assert said[4].split(maxsplit=2)[1:] == ["failed", "InvalidImage: the file is empty"]
