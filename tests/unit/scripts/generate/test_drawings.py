import numpy as np
import pytest

from scripts.generate.drawings import SIDE, VEHICLES, Canvas, draw


@pytest.mark.parametrize("vehicle", VEHICLES)
def test_the_same_numbers_draw_the_same_picture_and_others_another(vehicle):
    first, again, other = (draw(vehicle, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert (first.mode, first.size) == ("RGB", (SIDE, SIDE))
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


def test_the_vehicles_differ_in_their_pixels():
    pictures = {draw(vehicle, np.random.default_rng(7)).tobytes() for vehicle in VEHICLES}
    assert len(pictures) == len(VEHICLES)


def test_edges_are_smooth():
    canvas = Canvas()
    canvas.disc((0.5, 0.5), 0.3, (255, 255, 255))
    levels = set(np.asarray(canvas.finished())[..., 0].ravel().tolist())
    assert len(levels) > 5


def test_a_mirrored_vehicle_faces_the_other_way():
    pictures = []
    for mirrored in (False, True):
        canvas = Canvas()
        canvas.place((0.5, 0.2), 0.9, mirrored)
        VEHICLES["truck"](canvas, (200, 40, 40))
        pictures.append(np.asarray(canvas.finished(), np.float32))
    straight, mirrored = pictures
    assert np.abs(straight - mirrored).mean() > 10
    assert np.abs(straight - mirrored[:, ::-1]).mean() < 5
