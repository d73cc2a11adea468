import io
import time

import numpy as np
import pytest
from PIL import Image

from service.labelled_images import (
    LabelledImages,
    Source,
    check_classes,
    choose_classes,
    combine,
    encode_npz,
    encode_png,
    folds,
    hold_out,
    select,
    unique_names,
)
from service.terminal import UserError

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


def test_selected_rows_are_numbered_from_zero():
    images = np.arange(5 * 12, dtype=np.uint8).reshape(5, 2, 2, 3)
    rows = LabelledImages(images, np.array([7, 3, 9, 7, 3]), np.array(list("abcde")))
    rows = select(rows, [3, 7])
    assert rows.labels.tolist() == [1, 0, 1, 0]
    assert rows.names.tolist() == ["a", "b", "d", "e"]
    assert (rows.images == images[[0, 1, 3, 4]]).all()


def source(name: str, classes: tuple[str, ...], first: int) -> Source:
    def rows(count: int) -> LabelledImages:
        images = np.full((count, 2, 2, 3), first, np.uint8)
        return LabelledImages(images, np.arange(count) % 2, np.array(["a"] * count))

    return Source(name, f"from {name}", classes, rows(4), rows(2))


def test_two_sources_are_one_with_the_classes_of_both():
    both = combine(source("ten", ("car", "truck"), 1), source("hundred", ("bike", "bus"), 2))
    assert both.name == "ten+hundred"
    assert both.origin == "from ten; from hundred"
    assert both.classes == ("car", "truck", "bike", "bus")
    assert both.train.labels.tolist() == [0, 1, 0, 1, 2, 3, 2, 3]
    assert both.train.images[:, 0, 0, 0].tolist() == [1] * 4 + [2] * 4
    assert both.test.labels.tolist() == [0, 1, 2, 3]


def test_names_are_unique_within_a_class_even_where_the_number_is_taken():
    labels = np.array([0, 0, 0, 1])
    names = np.array(["a-2", "a", "a", "a"])
    assert unique_names(labels, names).tolist() == ["a-2", "a", "a-3", "a"]


def make(count: int, classes: int = 2) -> LabelledImages:
    return LabelledImages(
        images=np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3), np.uint8),
        labels=np.arange(count) % classes,
        names=np.array([f"image-{row}" for row in range(count)]),
    )


def pictures(rows: LabelledImages) -> set[bytes]:
    return {image.tobytes() for image in rows.images}


def test_a_fifth_of_each_class_is_held_out_and_nothing_is_lost():
    rows = make(150, classes=3)
    train, validation = hold_out(rows)
    assert sorted([*train.names, *validation.names]) == sorted(rows.names)
    assert np.bincount(validation.labels).tolist() == [10, 10, 10]
    assert pictures(validation) == pictures(rows.take(np.isin(rows.names, validation.names)))
    assert sorted(hold_out(make(10))[1].names) == ["image-2", "image-9"]  # on every machine


def test_a_place_depends_on_neither_order_nor_names_nor_other_classes():
    rows = make(90, classes=3)
    two = rows.take(rows.labels < 2)
    held = pictures(hold_out(two)[1])
    renamed = LabelledImages(two.images, two.labels, np.char.add("other-", two.names))
    shuffled = rows.take(np.random.default_rng(1).permutation(90))
    assert pictures(hold_out(renamed)[1]) == held
    assert held < pictures(hold_out(rows)[1]) == pictures(hold_out(shuffled)[1])
    ours, theirs = ([pictures(fold) for _, fold in folds(each, 4)] for each in (rows, shuffled))
    assert ours == theirs


def test_every_row_is_in_one_fold_and_a_fold_has_its_share_of_each_class():
    rows = make(90, classes=3)
    parts = list(folds(rows, 5))
    assert sorted(name for _, fold in parts for name in fold.names) == sorted(rows.names)
    for others, fold in parts:
        assert sorted([*others.names, *fold.names]) == sorted(rows.names)
        assert np.bincount(fold.labels).tolist() == [6, 6, 6]


def test_copies_of_an_image_are_in_one_fold():
    rows = make(40)
    rows.images[10] = rows.images[20]
    homes = [
        number
        for number, (_, fold) in enumerate(folds(rows, 5))
        for name in fold.names
        if name in ("image-10", "image-20")
    ]
    assert homes[0] == homes[1]


def test_pngs_and_arrays_hold_the_very_pixels_and_are_the_same_bytes_at_another_time(monkeypatch):
    rows = make(4)
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
