"""Whole files into the table: every shape that can be read, and a name for all that cannot."""

import json
import pickle
import tracemalloc
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from botocore.exceptions import ClientError, ConnectionClosedError
from s3transfer.exceptions import RetriesExceededError

from monitoring import captures, table
from monitoring.files import Unreadable
from service import config
from tests.model import served
from tests.monitoring import captured
from tests.monitoring.captured import IMAGES, answer, npy, png, record, side

JSON = "application/json"
ANSWER = answer([0.9, 0.1])


def load(tmp_path, *records, **options) -> captures.Loaded:
    captured.write(tmp_path / "captures.jsonl", *records)
    return captures.load(str(tmp_path), **options)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return captured.read_model(served.write_model(tmp_path_factory.mktemp("model")))


def test_photos_and_arrays_become_rows_with_the_columns_and_types_that_the_table_promises(
    tmp_path, model
):
    text = json.dumps({"classes": captured.CLASSES, "inferences": [[0.2, 0.8]] * 3}).encode()
    loaded = load(
        tmp_path,
        record(png(5), ANSWER, "photo"),
        record(npy(IMAGES[:3]), side(text, JSON), "call"),
        record(npy(IMAGES[:1]), ANSWER, "one"),
        model=model,
    )
    assert {name: str(kind) for name, kind in loaded.frame.dtypes.items()} == {
        "time": "datetime64[us, UTC]",
        "image_id": "str",
        "label": "str",
        "confidence": "float32",
        "probability:bicycle": "float32",
        "probability:motorcycle": "float32",
        **dict.fromkeys(table.FEATURES, "float32"),
        **{f"embedding:{k}": "float32" for k in range(3)},
        "file": "str",
        "line": "int64",
        "position": "int64",
    }
    assert (loaded.unreadable, loaded.records, loaded.files) == ([], 3, 1)
    frame = loaded.frame
    assert frame["image_id"].tolist() == ["photo", "call/0", "call/1", "call/2", "one/0"]
    assert frame["label"].tolist() == ["bicycle", *["motorcycle"] * 3, "bicycle"]
    np.testing.assert_allclose(frame["confidence"], [0.9, 0.8, 0.8, 0.8, 0.9])
    np.testing.assert_allclose(frame["probability:bicycle"], [0.9, 0.2, 0.2, 0.2, 0.9])
    assert frame["position"].tolist() == [0, 0, 1, 2, 0]
    assert set(frame["time"]) == {datetime(2026, 11, 3, 10, 20, 30, tzinfo=UTC)}
    means = IMAGES[[5, 0, 1, 2, 0]].mean((1, 2))
    np.testing.assert_allclose(table.embeddings(frame), means, atol=1e-3)
    luma = means @ [0.2126, 0.7152, 0.0722] / 255
    np.testing.assert_allclose(frame["brightness"], luma, atol=1e-5)


def test_records_of_other_classes_make_one_table_by_time(tmp_path):
    others = answer([0.2, 0.7, 0.1], [0.1, 0.1, 0.8], classes=["a", "bicycle", "b"])
    frame = load(
        tmp_path,
        captured.good(1, "2026-11-03T12:00:00Z"),
        record(npy(IMAGES[:2]), others, "call", "2026-11-03T11:00:00Z"),
    ).frame
    assert frame["image_id"].tolist() == ["call/0", "call/1", "photo-1"]
    assert frame["label"].tolist() == ["bicycle", "b", "bicycle"]
    assert frame["probability:bicycle"].tolist() == pytest.approx([0.7, 0.1, 0.75])
    assert frame["probability:a"].isna().tolist() == [False, False, True]


def test_what_probabilities_lack_to_1_is_none_of_the_classes(tmp_path):
    rows = [[0.2, 0.8], [0.1, 0.03], [0.0, 0.0]]
    frame = load(tmp_path, record(npy(IMAGES[:3]), answer(*rows), "call")).frame
    assert frame["label"].tolist() == ["motorcycle", "bicycle", "bicycle"]
    assert frame["confidence"].tolist() == pytest.approx([0.8, 0.1, 0.0])
    np.testing.assert_allclose(table.probabilities(frame)[1], rows)


def with_request(**changes) -> dict:
    return record(png() | changes, ANSWER)


def with_answer(text: str) -> dict:
    return record(png(), side(text, JSON))


def with_rows(rows: str, classes: str = '["a", "b"]') -> dict:
    return with_answer(f'{{"classes": {classes}, "inferences": {rows}}}')


def with_metadata(**changes) -> dict:
    result = captured.good()
    result["eventMetadata"].update(changes)
    return result


HUGE = served.npy(IMAGES[:2]).replace(b"(2, ", b"(2000000000000, ")[:200]
BAD = {
    "cut off": (captured.lines(captured.good())[:-40], "not JSON: the line is cut off"),
    "not JSON": (b"{'a'}\n", "it is not JSON"),
    "deeply nested": (b"[" * 100_000 + b"\n", "it is not JSON"),
    "nothing in it": (b"{}\n", "it has no 'captureData'"),
    "no answer": (record(png(), None), "it has no 'endpointOutput'"),
    "no request": (record(None, ANSWER), "it has no 'endpointInput'"),
    "encoding unknown": (with_request(encoding="ROT13"), "the encoding 'ROT13'"),
    "bad base64": (with_request(data="not base64!"), "base64"),
    "bad time": (with_metadata(inferenceTime="yesterday"), "'yesterday'"),
    "the last time": (with_metadata(inferenceTime="9999-12-31T23-14:00"), "no such record"),
    "the year 1": (with_metadata(inferenceTime="0001-01-01T00:00:00Z"), "not of this century"),
    "no id": (with_metadata(inferenceId=None, eventId=""), "neither an inferenceId nor an eventId"),
    "a fault": (with_answer('{"error": "x", "message": "y"}'), 'inferences\': {"error": "x"'),
    "rows of two lengths": (with_rows("[[0.9, 0.1], [1.0]]"), "not 'classes' and rows"),
    "beyond numbers": (with_rows(f"[[{10**400}, 1]]"), "not 'classes' and rows"),
    "no rows": (with_rows("[]"), "not rows of 2 probabilities"),
    "classes too few": (with_rows("[[0.9, 0.1]]", '["a"]'), "not rows of 1 probabilities"),
    "classes twice": (with_rows("[[0.9, 0.1]]", '["a", "a"]'), "not different names"),
    "sum above 1": (with_rows("[[0.9, 0.3]]"), "not probabilities that sum to at most 1"),
    "below 0": (with_rows("[[0.9, -0.3]]"), "not probabilities that sum to at most 1"),
    "not a number": (with_rows("[[NaN, 1]]"), "not probabilities that sum to at most 1"),
    "a photo too many": (record(npy(IMAGES[:2]), ANSWER), "2 photos came with 1 answers"),
    "another type": (with_request(observedContentType="image/jpeg"), "the input is 'image/jpeg'"),
    "not a PNG": (record(side(b"hello", "image/png"), ANSWER), "broken image/png"),
    "PNG of another size": (
        record(side(served.encode(IMAGES[0][:8], "PNG"), "image/png"), ANSWER),
        "the input is uint8 1 x 8 x 16 x 3, not uint8 N x 16 x 16 x 3",
    ),
    "npy beyond memory": (record(side(HUGE, "application/x-npy"), ANSWER), "broken application/x"),
    "npy of other numbers": (record(npy(np.zeros((1, 4))), ANSWER), "the input is float64 1 x 4"),
}


@pytest.mark.parametrize(("bad", "reason"), BAD.values(), ids=BAD)
def test_a_record_that_cannot_be_read_is_named_and_the_others_are_read(tmp_path, bad, reason):
    last = isinstance(bad, bytes) and not bad.endswith(b"\n")
    loaded = load(tmp_path, captured.good(1), bad, *([] if last else [captured.good(2)]))
    (fault,) = loaded.unreadable
    assert (fault.file, fault.line) == (str(tmp_path / "captures.jsonl"), 2)
    assert reason in fault.reason
    assert loaded.records == len(loaded.frame) == (1 if last else 2)


def test_blank_lines_and_empty_files_are_nothing(tmp_path):
    captured.write(tmp_path / "empty.jsonl", b"")
    loaded = load(tmp_path, b"\n", captured.good(), b" \n")
    assert (loaded.files, loaded.records, loaded.unreadable) == (2, 1, [])
    assert loaded.frame["line"].tolist() == [2]


def test_the_list_that_sagemakers_own_image_classification_answers_has_numbers_as_classes(tmp_path):
    [row] = load(tmp_path, with_answer("[0.1, 0.7, 0.2]")).frame.to_dict("records")
    assert (row["label"], row["confidence"]) == ("1", pytest.approx(0.7))


def test_an_event_id_stands_in_for_an_inference_id_of_which_all_records_are_kept(tmp_path):
    loaded = load(tmp_path, with_metadata(inferenceId=None), captured.good(1), captured.good(1))
    assert loaded.frame["image_id"].tolist() == ["event-photo-0", "photo-1", "photo-1"]


def test_only_records_of_the_span_are_loaded(tmp_path):
    times = ("2026-11-03T09:59:59Z", "2026-11-03T12:00:00+02:00", "2026-11-03T10:59:59Z")
    records = [captured.good(n, time) for n, time in enumerate((*times, "2026-11-03T11:00:00"))]
    since, until = (datetime(2026, 11, 3, hour, tzinfo=UTC) for hour in (10, 11))
    loaded = load(tmp_path, *records, since=since, until=until)
    assert loaded.frame["image_id"].tolist() == ["photo-1", "photo-2"]
    assert loaded.records == 2


def test_no_captures_are_a_table_without_rows(tmp_path):
    loaded = captures.load(str(tmp_path))
    assert (len(loaded.frame), loaded.files, loaded.records) == (0, 0, 0)
    assert {"time", "label", "confidence", *table.FEATURES, "file"} <= {*loaded.frame.columns}
    assert str(loaded.frame["time"].dtype).endswith("UTC]")


def test_objects_in_s3_are_read_as_files_are(tmp_path, s3):
    body = captured.lines(captured.good(1), b"{}\n")
    path = "endpoint/AllTraffic/2026/11/03/10/20-30-001-x.jsonl"
    captured.write(tmp_path / path, body)
    s3.put_object("bucket", f"capture/{path}", body, "")
    from_s3 = captures.load("s3://bucket/capture/")
    from_folder = captures.load(str(tmp_path))
    name = f"s3://bucket/capture/{path}"
    assert from_s3.unreadable == [Unreadable(name, 2, "it has no 'captureData'")]
    assert from_s3.frame["file"].tolist() == [name]
    assert from_s3.frame.drop(columns="file").equals(from_folder.frame.drop(columns="file"))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ClientError({"Error": {"Code": "404"}}, "HeadObject"), "it is gone since it was listed"),
        (RetriesExceededError(OSError("reset")), "its download broke off"),
        (ConnectionClosedError(endpoint_url="https://s3"), "its download broke off"),
        (OSError(28, "No space left on device"), "No space left on device"),
    ],
)
def test_an_object_that_cannot_be_had_is_named_and_the_next_is_read(monkeypatch, s3, error, reason):
    download = s3.download_fileobj

    def break_off(bucket, key, file):
        if key == "a":
            file.write(b"the first bytes")
            raise error
        download(bucket, key, file)

    monkeypatch.setattr(s3, "download_fileobj", break_off)
    for key in "ab":
        s3.put_object("bucket", key, captured.lines(captured.good()), "")
    loaded = captures.load("s3://bucket/")
    [broken] = loaded.unreadable
    assert (broken.file, broken.line, loaded.records) == ("s3://bucket/a", 0, 1)
    assert reason in broken.reason


def test_a_photo_is_read_again_from_its_place(tmp_path):
    array = record(npy(IMAGES[:4]), answer(*[[0.9, 0.1]] * 4))
    frame = load(tmp_path, b"\n", captured.good(3), array).frame
    read = captures.read_image
    for row in frame.itertuples():
        expected = IMAGES[3 if row.line == 2 else row.position]
        np.testing.assert_array_equal(np.asarray(read(row.file, row.line, row.position)), expected)
    with pytest.raises(ValueError, match="no line 9"):
        read(str(tmp_path / "captures.jsonl"), 9, 0)
    with pytest.raises(OSError, match="absent"):
        read(str(tmp_path / "absent.jsonl"), 1, 0)


def test_many_files_are_read_in_several_processes_as_in_one(tmp_path, monkeypatch):
    monkeypatch.setattr(config, "load", lambda: {"image": {"size": 32}})  # as the processes read it
    for number in range(6):
        images = np.full((3, 32, 32, 3), number, np.uint8)
        bad = {} if number == 4 else record(npy(images[:1]), ANSWER, "one more")
        answers = answer([0.9, 0.1], [0.8, 0.2], [0.3, 0.7])
        captured.write(tmp_path / f"{number}.jsonl", record(npy(images), answers, "call"), bad)
    alone = captures.load(str(tmp_path))
    monkeypatch.setattr(captures, "CHUNK", 2)
    monkeypatch.setattr(captures, "CHUNKS_A_PROCESS", 1)
    monkeypatch.setattr(captures.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(captures.storage, "map_ahead", None)  # of this process
    together = captures.load(str(tmp_path))
    assert together.unreadable == alone.unreadable
    pd.testing.assert_frame_equal(together.frame, alone.frame)
    assert (len(together.frame), len(together.unreadable)) == (23, 1)


def test_a_model_computes_the_same_in_another_process(model):
    sent = pickle.loads(pickle.dumps(model))
    assert (sent.embed(IMAGES) == model.embed(IMAGES)).all()


def test_memory_does_not_grow_with_the_photos_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(captures, "PIXEL_BYTES", 2**17)
    monkeypatch.setattr(config, "load", lambda: {"image": {"size": 64}})
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    photo = record(side(served.encode(noise, "PNG", compress_level=0), "image/png"), ANSWER)

    def peak(count: int) -> int:
        path = captured.write(tmp_path / "a", *[photo] * count)
        tracemalloc.start()
        loaded = captures.load(path)
        _, result = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert len(loaded.frame) == count
        return result

    assert peak(160) - peak(40) < 120 * noise.nbytes / 4


@pytest.mark.parametrize("count", [0, 1, 2, 39, 40, 41, 1000])
def test_the_first_row_behind_the_last_that_differs_is_found(count):
    for last in {-1, 0, count // 3, count - 2, count - 1}:
        if -1 <= last < count:
            assert captures.first_served(count, lambda row, last=last: row <= last) == last + 1


def test_few_rows_are_looked_at():
    rows = []
    captures.first_served(100_000, lambda row: rows.append(row) or row < 31_234)
    assert len(rows) < 5 * captures.PROBES


def test_a_model_that_came_back_counts_from_its_return_and_a_single_odd_photo_is_no_other_model():
    assert captures.first_served(40, lambda row: 10 <= row < 20) == 20
    assert captures.first_served(1000, lambda row: row in (500, 999)) == 0


@pytest.mark.parametrize("batch", [1, 10])
@pytest.mark.parametrize("before", [{"scale": 0.03}, {"classes": [*"abc"]}])
def test_what_another_model_answered_is_left_out_and_noted(tmp_path, model, before, batch):
    other = captured.read_model(served.write_model(tmp_path / "model", **before))
    for hour, answering in enumerate((other, model)):
        source = captured.write_answers(tmp_path / "of", answering, 60, hour=hour, batch=batch)
    kept, [note] = captures.keep_served(captures.load(source).frame, model)
    assert len(kept) == 60
    assert f"{kept['time'].min():%H:%M}" == "01:00"
    assert "the endpoint's model changed after 2026-11-03 00:00:00 UTC" in note
    assert "the 60 photos until then" in note


def test_one_model_alone_and_no_model_leave_the_table_as_it_is(tmp_path, model):
    frame = captures.load(captured.write_answers(tmp_path, model, 60)).frame
    for served_now in (model, None):
        kept, notes = captures.keep_served(frame, served_now)
        assert (kept is frame, notes) == (True, [])
