import io
import time

import numpy as np
import pytest
from PIL import Image

from service.labelled_images import (
    LabelledImages,
    check_classes,
    choose_classes,
    encode_npz,
    encode_png,
    folds,
    hold_out,
    unique_names,
)
from service.terminal import UserError
from tests import labelled
from tests.labelled import pixels

MANY = [f"class_{number}" for number in range(98)] + ["bicycle", "motorcycle"]


def test_classes_come_in_the_sources_order_and_a_wrong_one_is_answered_with_near_ones_or_all():
    assert choose_classes(["motorcycle", "bicycle"], MANY, "X") == [98, 99]
    with pytest.raises(UserError, match=r"X has no class 'motorcycel'\. Did you mean motorcycle\?"):
        choose_classes(["bicycle", "motorcycel"], MANY, "X")
    with pytest.raises(UserError, match="There are: ship, truck"):
        choose_classes(["truck", "trukc"], ["ship", "truck"], "X")


@pytest.mark.parametrize("wanted", [[], ["bicycle"], ["bicycle", "bicycle", "motorcycle"]])
def test_fewer_than_two_classes_or_one_twice_are_refused(wanted):
    with pytest.raises(UserError, match="two or more different classes"):
        check_classes(wanted)


def test_names_are_unique_within_a_class_even_where_the_number_is_taken():
    labels = np.array([0, 0, 0, 1])
    names = np.array(["a-2", "a", "a", "a"])
    assert unique_names(labels, names).tolist() == ["a-2", "a", "a-3", "a"]


def test_a_fifth_of_each_class_is_held_out_and_nothing_is_lost():
    rows = labelled.rows(150, classes=3)
    train, validation = hold_out(rows)
    assert sorted([*train.names, *validation.names]) == sorted(rows.names)
    assert np.bincount(validation.labels).tolist() == [10, 10, 10]
    assert pixels(validation) == pixels(rows.take(np.isin(rows.names, validation.names)))
    assert sorted(hold_out(labelled.rows(10))[1].names) == [
        "photo-2",
        "photo-9",
    ]  # on every machine


def test_a_place_depends_on_neither_order_nor_names_nor_other_classes():
    rows = labelled.rows(90, classes=3)
    two = rows.take(rows.labels < 2)
    held = pixels(hold_out(two)[1])
    renamed = LabelledImages(two.images, two.labels, np.char.add("other-", two.names))
    shuffled = rows.take(np.random.default_rng(1).permutation(90))
    assert pixels(hold_out(renamed)[1]) == held
    assert held < pixels(hold_out(rows)[1]) == pixels(hold_out(shuffled)[1])
    ours, theirs = ([pixels(fold) for _, fold in folds(each, 4)] for each in (rows, shuffled))
    assert ours == theirs


def test_every_row_is_in_one_fold_and_a_fold_has_its_share_of_each_class():
    rows = labelled.rows(90, classes=3)
    parts = list(folds(rows, 5))
    assert sorted(name for _, fold in parts for name in fold.names) == sorted(rows.names)
    for others, fold in parts:
        assert sorted([*others.names, *fold.names]) == sorted(rows.names)
        assert np.bincount(fold.labels).tolist() == [6, 6, 6]


def test_copies_of_an_image_are_in_one_fold():
    rows = labelled.rows(40)
    rows.images[10] = rows.images[20]
    homes = [
        number
        for number, (_, fold) in enumerate(folds(rows, 5))
        for name in fold.names
        if name in ("photo-10", "photo-20")
    ]
    assert homes[0] == homes[1]


def test_pngs_and_arrays_hold_the_very_pixels_and_are_the_same_bytes_at_another_time(monkeypatch):
    rows = labelled.rows(4)
    png, arrays = encode_png(rows.images[0]), encode_npz(rows, ("x", "y"), rows.images[:1])
    assert (np.asarray(Image.open(io.BytesIO(png))) == rows.images[0]).all()
    with np.load(io.BytesIO(arrays), allow_pickle=False) as read:
        assert {name: read[name].tolist() for name in read} == {
            "images": rows.images.tolist(),
            "labels": [0, 1, 0, 1],
            "names": rows.names.tolist(),
            "classes": ["x", "y"],
            "strangers": rows.images[:1].tolist(),
        }
        assert (read["images"].dtype, read["labels"].dtype) == (np.uint8, np.int64)
    later = time.localtime(time.time() + 1e8)
    monkeypatch.setattr(time, "localtime", lambda *_: later)
    assert encode_npz(rows, ("x", "y"), rows.images[:1]) == arrays
    assert encode_png(rows.images[0]) == png
