import numpy as np
import pytest

from scripts.cli import UserError
from scripts.data.images import (
    LabelledImages,
    Source,
    check_classes,
    choose_classes,
    combine,
    select,
    unique_names,
)

MANY = [f"class_{number}" for number in range(98)] + ["bicycle", "motorcycle"]


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
