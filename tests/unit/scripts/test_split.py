import numpy as np
import pytest

from scripts.data.images import LabelledImages
from scripts.data.split import folds, hold_out


def make(count: int, classes: int = 2, seed: int = 0) -> LabelledImages:
    rng = np.random.default_rng(seed)
    return LabelledImages(
        images=rng.integers(0, 256, (count, 32, 32, 3), np.uint8),
        labels=np.arange(count) % classes,
        names=np.array([f"image-{row}" for row in range(count)]),
    )


@pytest.mark.parametrize(("count", "classes"), [(100, 2), (300, 3), (50, 5)])
def test_a_fifth_of_each_class_is_held_out(count, classes):
    train, validation = hold_out(make(count, classes))
    for label in range(classes):
        assert (validation.labels == label).sum() == count // classes // 5
        assert (train.labels == label).sum() == count // classes - count // classes // 5


def test_every_row_is_in_one_of_the_two():
    rows = make(100)
    train, validation = hold_out(rows)
    assert sorted([*train.names, *validation.names]) == sorted(rows.names)
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
