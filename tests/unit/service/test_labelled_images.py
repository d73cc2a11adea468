import io
import time

import numpy as np
import pytest
from PIL import Image

from service import labelled_images
from service.labelled_images import (
    LabelledImages,
    Source,
    check_classes,
    choose_classes,
    combine,
    folds,
    hold_out,
    select,
    unique_names,
)
from service.terminal import UserError

MANY = [f"class_{number}" for number in range(98)] + ["bicycle", "motorcycle"]

ROWS = LabelledImages(
    images=np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8),
    labels=np.array([0, 1, 0, 1]),
    names=np.array(["a", "b", "c", "d"]),
)


def test_classes_are_chosen_in_the_sources_order():
    assert choose_classes(["motorcycle", "bicycle"], MANY, "X") == [98, 99]


def test_a_mistyped_class_is_answered_with_near_ones():
    with pytest.raises(UserError, match=r"X has no class 'motorcycel'\. Did you mean motorcycle\?"):
        choose_classes(["bicycle", "motorcycel"], MANY, "X")


def test_an_unknown_class_of_few_is_answered_with_all():
    with pytest.raises(UserError, match="There are: ship, truck"):
        choose_classes(["truck", "trukc"], ["ship", "truck"], "X")


@pytest.mark.parametrize("wanted", [[], ["bicycle"], ["bicycle", "bicycle", "motorcycle"]])
def test_fewer_than_two_classes_or_one_twice_are_refused(wanted):
    with pytest.raises(UserError, match="two or more different classes"):
        check_classes(wanted)


def test_selected_rows_are_numbered_from_zero():
    images = np.arange(5 * 12, dtype=np.uint8).reshape(5, 2, 2, 3)
    rows = select(images, np.array([7, 3, 9, 7, 3]), np.array(list("abcde")), [3, 7])
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


def make(count: int, classes: int = 2, seed: int = 0) -> LabelledImages:
    rng = np.random.default_rng(seed)
    return LabelledImages(
        images=rng.integers(0, 256, (count, 32, 32, 3), np.uint8),
        labels=np.arange(count) % classes,
        names=np.array([f"image-{row}" for row in range(count)]),
    )


@pytest.mark.parametrize(("count", "classes"), [(100, 2), (300, 3), (50, 5)])
def test_a_fifth_of_each_class_is_held_out_and_nothing_is_lost(count, classes):
    rows = make(count, classes)
    train, validation = hold_out(rows)
    assert sorted([*train.names, *validation.names]) == sorted(rows.names)
    assert np.bincount(validation.labels).tolist() == [count // classes // 5] * classes
    row = validation.names[0]
    assert (validation.images[0] == rows.images[rows.names == row][0]).all()


def test_the_split_is_the_same_every_time():
    assert hold_out(make(100))[1].names.tolist() == hold_out(make(100))[1].names.tolist()
    assert sorted(hold_out(make(10))[1].names) == ["image-2", "image-9"]


def test_the_order_of_the_rows_does_not_matter():
    rows = make(100)
    shuffled = rows.take(np.random.default_rng(1).permutation(100))
    assert set(hold_out(rows)[1].names) == set(hold_out(shuffled)[1].names)


def test_names_and_other_classes_do_not_matter():
    rows = make(90, classes=3)
    two = rows.take(rows.labels < 2)
    renamed = LabelledImages(two.images, two.labels, np.char.add("other-", two.names))
    held = {image.tobytes() for image in hold_out(rows.take(rows.labels < 2))[1].images}
    assert {image.tobytes() for image in hold_out(renamed)[1].images} == held
    assert held <= {image.tobytes() for image in hold_out(rows)[1].images}


def test_every_row_is_in_one_fold_and_a_fold_has_its_share_of_each_class():
    rows = make(90, classes=3)
    parts = list(folds(rows, 5))
    assert sorted(name for _, fold in parts for name in fold.names) == sorted(rows.names)
    for others, fold in parts:
        assert sorted([*others.names, *fold.names]) == sorted(rows.names)
        assert np.bincount(fold.labels).tolist() == [6, 6, 6]


def test_the_folds_do_not_depend_on_the_order_of_the_rows():
    rows = make(60)
    shuffled = rows.take(np.random.default_rng(1).permutation(60))
    ours, theirs = ([set(fold.names) for _, fold in folds(each, 4)] for each in (rows, shuffled))
    assert ours == theirs


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


def test_arrays_come_back_without_pickles():
    with np.load(
        io.BytesIO(labelled_images.encode_npz(ROWS, ("x", "y"))), allow_pickle=False
    ) as arrays:
        assert sorted(arrays) == ["classes", "images", "labels", "names"]
        assert (arrays["images"] == ROWS.images).all()
        assert arrays["images"].dtype == np.uint8
        assert arrays["labels"].dtype == np.int64
        assert arrays["names"].tolist() == ["a", "b", "c", "d"]
        assert arrays["classes"].tolist() == ["x", "y"]


def test_arrays_are_the_same_bytes_at_another_time(monkeypatch):
    first = labelled_images.encode_npz(ROWS, ("x", "y"))
    later = time.localtime(time.time() + 1e8)
    monkeypatch.setattr(time, "localtime", lambda *_: later)
    assert labelled_images.encode_npz(ROWS, ("x", "y")) == first


def test_a_png_holds_the_very_pixels_and_is_the_same_bytes_again():
    first = labelled_images.encode_png(ROWS.images[0])
    assert (np.asarray(Image.open(io.BytesIO(first))) == ROWS.images[0]).all()
    assert labelled_images.encode_png(ROWS.images[0]) == first
