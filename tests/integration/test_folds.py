"""`train --folds`: every training photo is classified by a model that has not seen it."""

import re

import pytest


@pytest.mark.proof
def test_the_folds_together_are_all_training_photos(service):
    done = service.script("train", "--folds", "3")
    rows = [line.split() for line in done.stdout.splitlines()]
    photos = {row[0]: row[1] for row in rows if row and row[0] in ("1", "2", "3", "all")}
    assert photos["all"] == "520"
    assert sum(int(photos[fold]) for fold in "123") == 520
    accuracy = next(float(row[2]) for row in rows if row and row[0] == "all")
    assert accuracy > 0.9
    assert re.search(r"Threshold 0\.\d{4} gives 99 % precision", done.stdout)
