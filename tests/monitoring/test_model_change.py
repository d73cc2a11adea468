"""Since when the served model answers, as captures of two models show."""

import pytest

from monitoring import captures, embedding, model_change
from tests.model import served
from tests.monitoring import captured
from tests.monitoring.captured import IMAGES, answer, npy, png, record


@pytest.mark.parametrize("count", [0, 1, 2, 39, 40, 41, 1000])
def test_the_first_row_behind_the_last_that_differs_is_found(count):
    for last in {-1, 0, count // 3, count - 2, count - 1}:
        if -1 <= last < count:
            assert model_change.first_served(count, lambda row, last=last: row <= last) == last + 1


def test_few_rows_are_looked_at():
    rows = []
    model_change.first_served(100_000, lambda row: rows.append(row) or row < 31_234)
    assert len(rows) < 5 * model_change.PROBES


def test_a_model_that_came_back_counts_from_its_return_and_a_single_odd_photo_is_no_other_model():
    assert model_change.first_served(40, lambda row: 10 <= row < 20) == 20
    assert model_change.first_served(1000, lambda row: row in (500, 999)) == 0


def write(folder, models, batch=1) -> str:
    """Captures of each model's answers, one hour a model."""
    for hour, model in enumerate(models):
        network = embedding.Network(model.whole, "probabilities")
        records = []
        for number in range(0, 60, batch):
            photos = IMAGES[number : number + batch]
            rows = [[round(value, 7) for value in row] for row in network(photos).tolist()]
            request = png(number) if batch == 1 else npy(photos)
            time = f"2026-11-03T{hour:02}:{number:02}:00Z"
            records.append(
                record(request, answer(*rows, classes=model.classes), f"{hour}-{number}", time)
            )
        captured.write(folder / f"{hour}.jsonl", *records)
    return str(folder)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    return [
        captured.read_model(served.write_model(folder / str(number), scale=scale, **more))
        for number, (scale, more) in enumerate(
            [(0.02, {}), (0.03, {}), (0.02, {"classes": [*"abc"]})]
        )
    ]


@pytest.mark.parametrize("batch", [1, 10])
@pytest.mark.parametrize("before", [1, 2])
def test_what_another_model_answered_is_left_out_and_noted(tmp_path, models, before, batch):
    source = write(tmp_path, [models[before], models[0]], batch)
    loaded = captures.load(source, model=models[0])
    kept, [note] = model_change.keep_served(loaded.frame, models[0], source)
    assert len(kept) == 60
    assert f"{kept['time'].min():%H:%M}" == "01:00"
    assert "the endpoint's model changed after 2026-11-03 00:5" in note
    assert "the 60 photos until then" in note


def test_one_model_alone_and_no_model_leave_the_table_as_it_is(tmp_path, models):
    source = write(tmp_path, [models[0]])
    frame = captures.load(source).frame
    for model in (models[0], None):
        kept, notes = model_change.keep_served(frame, model, source)
        assert (kept is frame, notes) == (True, [])
