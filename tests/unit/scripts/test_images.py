import numpy as np
import pytest

from scripts.cli import UserError
from scripts.data.images import choose_classes, select

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
        choose_classes(wanted, MANY, "X")


def test_selected_rows_are_numbered_from_zero():
    images = np.arange(5 * 12, dtype=np.uint8).reshape(5, 2, 2, 3)
    rows = select(images, np.array([7, 3, 9, 7, 3]), np.array(list("abcde")), [3, 7])
    assert rows.labels.tolist() == [1, 0, 1, 0]
    assert rows.names.tolist() == ["a", "b", "d", "e"]
    assert (rows.images == images[[0, 1, 3, 4]]).all()
