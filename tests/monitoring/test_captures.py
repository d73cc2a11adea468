"""Whole files into the table: every shape that can be read, and a name for all that cannot."""

import gzip
import tracemalloc
from datetime import UTC, datetime

import numpy as np
import pytest
from botocore.exceptions import ClientError, ConnectionClosedError
from PIL import Image
from s3transfer.exceptions import RetriesExceededError
from urllib3.exceptions import SSLError

from monitoring import captures, embedding, files, table
from monitoring.captures import Unreadable
from monitoring.gallery import image_reader
from service.terminal import UserError
from tests.model import served
from tests.monitoring import captured
from tests.monitoring.captured import CLASSES, IMAGES, answer, npy, png, record, side
from tests.unit.service.memory_s3 import MemoryS3

JSON = "application/json"
OWN, UNNAMED = tuple(CLASSES), ("class 0", "class 1")
TWO = np.float32([[0.9, 0.1], [0.2, 0.8]])
X_IMAGE = "application/x-image"

# request, answer, class names, how many images, whether they are numbered, whether there are pixels
SHAPES = {
    "PNG, own answer": (png(), answer([0.9, 0.1]), OWN, 1, False, True),
    "npy, own answer": (npy(2), answer([0.9, 0.1], [0.2, 0.8]), OWN, 2, True, True),
    "npy of one image": (npy(1), answer([0.9, 0.1]), OWN, 1, True, True),
    "a plain list": (png(), side("[0.9, 0.1]", JSON), UNNAMED, 1, False, True),
    "JSON as base64": (png(), side(b"[0.9, 0.1]", JSON), UNNAMED, 1, False, True),
    "type not told": (png(), side("[0.9, 0.1]", "", "JSON"), UNNAMED, 1, False, True),
    "no request kept": (None, answer([0.9, 0.1]), OWN, 1, False, False),
    "JSON request": (side('{"a": 1}', JSON), answer([0.9, 0.1]), OWN, 1, False, False),
    "JPEG, as the built-in algorithm takes it": (
        side(served.encode(IMAGES[0], "JPEG"), X_IMAGE),
        side("[0.9, 0.1]", JSON),
        UNNAMED,
        1,
        False,
        True,
    ),
}


def load(tmp_path, *records, **options) -> captures.Loaded:
    captured.write(tmp_path / "captures.jsonl", *records)
    return captures.load(str(tmp_path), **options)


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> embedding.Model:
    return embedding.read(served.write_model(tmp_path_factory.mktemp("model")))


@pytest.mark.parametrize(
    ("asked", "answered", "classes", "count", "numbered", "pixels"), SHAPES.values(), ids=SHAPES
)
def test_every_shape_of_request_and_answer_is_read(
    tmp_path, asked, answered, classes, count, numbered, pixels
):
    loaded = load(tmp_path, record(asked, answered, "x"))
    frame = loaded.frame
    assert (loaded.unreadable, loaded.records, loaded.files) == ([], 1, 1)
    assert frame["image_id"].tolist() == ([f"x/{n}" for n in range(count)] if numbered else ["x"])
    names, probabilities = table.probabilities(frame)
    assert tuple(names) == classes
    np.testing.assert_allclose(probabilities, TWO[:count], atol=1e-6)
    assert frame["label"].tolist() == [classes[0], classes[1]][:count]
    np.testing.assert_allclose(frame["confidence"], TWO[:count].max(1))
    assert frame[list(table.FEATURES)].notna().all(axis=None) == pixels


def test_the_table_has_the_columns_and_types_that_it_promises(tmp_path, model):
    loaded = load(tmp_path, record(npy(3), answer(*[[0.75, 0.25]] * 3), "call"), model=model)
    types = {name: str(kind) for name, kind in loaded.frame.dtypes.items()}
    assert types == {
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
    assert loaded.frame["position"].tolist() == [0, 1, 2]
    assert set(loaded.frame["time"]) == {datetime(2026, 11, 3, 10, 20, 30, tzinfo=UTC)}


def test_embedding_and_brightness_are_those_of_the_image_in_the_row(tmp_path, model):
    records = [record(png(n), answer([0.9, 0.1]), str(n)) for n in range(4)]
    batch = record(npy(5), answer(*[[0.9, 0.1]] * 5), "batch")
    frame = load(tmp_path, *records, batch, model=model).frame.set_index("image_id")
    names = [*map(str, range(4)), *(f"batch/{n}" for n in range(5))]
    expected = IMAGES[[0, 1, 2, 3, 0, 1, 2, 3, 4]].mean((1, 2))
    np.testing.assert_allclose(table.embeddings(frame.loc[names]), expected, atol=1e-3)
    luma = expected @ [0.2126, 0.7152, 0.0722] / 255
    np.testing.assert_allclose(frame.loc[names, "brightness"], luma, atol=1e-5)


def test_a_photo_of_another_size_is_shrunk_as_the_functions_do(tmp_path, model):
    picture = Image.new("RGB", (90, 60), (10, 200, 30))
    asked = side(served.encode(picture, "PNG"), "image/png")
    loaded = load(tmp_path, record(asked, answer([0.9, 0.1])), model=model)
    np.testing.assert_allclose(table.embeddings(loaded.frame), [[10, 200, 30]], atol=1)


def test_records_of_other_classes_and_sizes_make_one_table_by_time(tmp_path):
    array = side(served.npy(np.zeros((2, 8, 8, 3), np.uint8)), "application/x-npy")
    others = answer([0.2, 0.7, 0.1], [0.1, 0.1, 0.8], classes=["a", "bicycle", "b"])
    frame = load(
        tmp_path,
        captured.good(1, "2026-11-03T12:00:00Z"),
        record(array, others, "call", "2026-11-03T11:00:00Z"),
        record(None, answer([0.9, 0.1]), "bare", "2026-11-03T10:00:00Z"),
    ).frame
    assert frame["image_id"].tolist() == ["bare", "call/0", "call/1", "photo-1"]
    assert frame["label"].tolist() == ["bicycle", "bicycle", "b", "bicycle"]
    assert frame["probability:bicycle"].tolist() == pytest.approx([0.9, 0.7, 0.1, 0.75])
    assert frame["probability:a"].isna().tolist() == [True, False, False, True]
    assert frame["brightness"].isna().tolist() == [True, False, False, False]
    assert {str(kind) for name, kind in frame.dtypes.items() if ":" in name} == {"float32"}


def test_class_names_of_a_plain_answer_are_the_models_where_it_has_as_many(tmp_path, model):
    three, two = side("[0.1, 0.2, 0.7]", JSON), side("[0.9, 0.1]", JSON)
    frame = load(tmp_path, record(png(), three, "a"), record(png(), two, "b"), model=model).frame
    frame = frame.set_index("image_id")
    assert frame.loc["a", "label"] == "blue"
    assert frame.loc["b", "label"] == "class 0"
    assert np.isnan(frame.loc["a", "probability:class 0"])
    assert np.isnan(frame.loc["b", "probability:blue"])
    assert frame.loc["a", "confidence"] == pytest.approx(0.7)


def cut(asked: dict, **changes) -> dict:
    """A record whose request is changed."""
    return record({**asked, **changes}, answer([0.9, 0.1]))


def answered(text: str | bytes, media_type: str = JSON) -> dict:
    """A record with that answer."""
    return record(png(), side(text, media_type))


def metadata(**changes) -> dict:
    """A good record with other metadata."""
    changed = captured.good()
    changed["eventMetadata"].update(changes)
    return changed


BAD = {
    "cut off": (captured.lines(captured.good())[:-40], "not JSON: the line is cut off"),
    "not JSON": (b"{'a'}\n", "it is not JSON"),
    "deeply nested": (b"[" * 100_000 + b"\n", "it is not JSON"),
    "a list": (b"[]\n", "no record of Data Capture"),
    "nothing in it": (b"{}\n", "it has no 'captureData'"),
    "no metadata": ({"captureData": {}}, "it has no 'eventMetadata'"),
    "no answer": (record(png(), None), "it has no 'endpointOutput'"),
    "an answer that is text": (record(png(), "x"), "no record of Data Capture"),
    "data a number": (cut(png(), data=7), "no record of Data Capture"),
    "type a number": (cut(png(), observedContentType=7), "no record of Data Capture"),
    "encoding unknown": (cut(png(), encoding="ROT13"), "the encoding 'ROT13'"),
    "bad base64": (cut(png(), data="not base64!"), "no record of Data Capture"),
    "bad time": (metadata(inferenceTime="yesterday"), "'yesterday'"),
    "the last time": (metadata(inferenceTime="9999-12-31T23:59:59-14:00"), "no record of Data"),
    "the year 1": (metadata(inferenceTime="0001-01-01T00:00:00Z"), "not of this century"),
    "time a number": (metadata(inferenceTime=1762164000), "no record of Data Capture"),
    "no id": (metadata(inferenceId=None, eventId=""), "neither an inferenceId nor an eventId"),
    "id a number": (metadata(inferenceId=7), "neither an inferenceId nor an eventId"),
    "a fault": (answered('{"error": "x", "message": "y"}'), 'inferences\': {"error": "x"'),
    "answer not JSON": (answered("0.9,0.1"), "the answer is not JSON"),
    "answer empty": (answered("[]"), "not rows of probabilities"),
    "answer of lists": (answered("[[0.9, 0.1], [1.0]]"), "not rows of probabilities"),
    "sum not 1": (answered("[0.9, 0.3]"), "not probabilities that sum to 1"),
    "not a number": (answered("[NaN, 1]"), "not probabilities that sum to 1"),
    "beyond numbers": (answered(f"[{10**400}, 1]"), "not rows of probabilities"),
    "classes too few": (
        record(png(), answer([0.9, 0.1], classes=["bicycle"])),
        "1 classes came with 2 probabilities",
    ),
    "classes twice": (
        record(png(), answer([0.9, 0.1], classes=["a", "a"])),
        "classes are not different names",
    ),
    "classes numbers": (
        record(png(), side('{"classes": [1, 2], "inferences": [[0.9, 0.1]]}', JSON)),
        "classes are not different names",
    ),
    "one row, not in a list": (
        record(png(), side('{"classes": ["a", "b"], "inferences": [0.9, 0.1]}', JSON)),
        "not rows of probabilities",
    ),
    "three images, two answers": (
        record(npy(3), answer([0.9, 0.1], [0.9, 0.1])),
        "3 images came with 2 answers",
    ),
    "one image, two answers": (
        record(png(), answer([0.9, 0.1], [0.9, 0.1])),
        "1 images came with 2 answers",
    ),
    "not a PNG": (record(side(b"hello", "image/png"), answer([0.9, 0.1])), "not a PNG, JPEG or"),
    "PNG cut off": (
        record(side(served.encode(IMAGES[0], "PNG")[:-60], "image/png"), answer([0.9, 0.1])),
        "the image is damaged",
    ),
    "npy cut off": (
        record(side(served.npy(IMAGES[:2])[:-1], "application/x-npy"), answer([0.9, 0.1])),
        "the input is broken npy",
    ),
    "npy that promises more than memory holds": (
        record(
            side(
                served.npy(IMAGES[:2]).replace(b"(2, ", b"(2000000000000, ")[:200],
                "application/x-npy",
            ),
            answer([0.9, 0.1]),
        ),
        "the input is broken npy",
    ),
    "npy of other numbers": (
        record(side(served.npy(np.zeros((1, 4))), "application/x-npy"), answer([0.9, 0.1])),
        "the array is float64 of shape (1, 4), not uint8",
    ),
}


@pytest.mark.parametrize(("bad", "reason"), BAD.values(), ids=BAD)
def test_a_record_that_cannot_be_read_is_named_and_the_others_are_read(tmp_path, bad, reason):
    last = isinstance(bad, bytes) and not bad.endswith(b"\n")
    loaded = load(tmp_path, captured.good(1), bad, *([] if last else [captured.good(2)]))
    (fault,) = loaded.unreadable
    assert (fault.file, fault.line) == (str(tmp_path / "captures.jsonl"), 2)
    assert reason in fault.reason
    assert loaded.records == len(loaded.frame) == (1 if last else 2)


def test_empty_files_are_named_as_empty_and_blank_lines_are_nothing(tmp_path):
    captured.write(tmp_path / "empty.jsonl", b"")
    captured.write(tmp_path / "blank.jsonl", b"\n  \n")
    loaded = load(tmp_path, b"\n", captured.good(), b"\n")
    assert sorted(loaded.empty) == [str(tmp_path / name) for name in ("blank.jsonl", "empty.jsonl")]
    assert (loaded.files, loaded.records, loaded.unreadable) == (3, 1, [])
    assert loaded.frame["line"].tolist() == [2]


def test_gzip_is_known_by_its_bytes_and_a_broken_one_is_named(tmp_path):
    records = captured.lines(*(captured.good(n) for n in range(40)))
    packed = gzip.compress(records)
    captured.write(tmp_path / "whole.jsonl", packed)
    captured.write(tmp_path / "whole.jsonl.gz", packed)
    captured.write(tmp_path / "zbroken.gz", packed[: len(packed) * 3 // 4])
    loaded = captures.load(str(tmp_path))
    read = loaded.frame["file"].value_counts()
    assert read[str(tmp_path / "whole.jsonl")] == read[str(tmp_path / "whole.jsonl.gz")] == 40
    (fault,) = loaded.unreadable
    assert fault.line == read[str(tmp_path / "zbroken.gz")] + 1 > 20
    assert fault.file == str(tmp_path / "zbroken.gz")
    assert "cannot be read on" in fault.reason


def test_a_huge_line_is_named_without_being_held(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MAX_LINE_BYTES", 5000)
    loaded = load(tmp_path, captured.good(1), b"x" * 23_000 + b"\n", captured.good(2), b"y" * 6000)
    assert [(fault.line, fault.reason) for fault in loaded.unreadable] == [
        (2, "the line has more than 5,000 bytes"),
        (4, "the line has more than 5,000 bytes"),
    ]
    assert loaded.frame["line"].tolist() == [1, 3]


def test_an_event_id_stands_in_for_an_inference_id(tmp_path):
    loaded = load(tmp_path, metadata(inferenceId=None))
    assert loaded.frame["image_id"].tolist() == ["event-photo-0"]


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
    assert str(loaded.frame["time"].dtype) == "datetime64[us, UTC]"


def test_a_folder_that_does_not_exist_is_one_line(tmp_path):
    with pytest.raises(UserError, match="no file or folder"):
        captures.load(str(tmp_path / "absent"))


def in_s3(s3, prefix: str = "", **options) -> captures.Loaded:
    return captures.load(f"s3://bucket/{prefix}", connect=lambda _: s3, **options)


def memory(**objects: bytes) -> MemoryS3:
    s3 = MemoryS3()
    for name, body in objects.items():
        s3.put_object("bucket", f"{name}.jsonl", body, "")
    return s3


def test_objects_in_s3_are_read_as_files_are(tmp_path):
    body = captured.lines(captured.good(1), b"{}\n")
    path = "endpoint/AllTraffic/2026/11/03/10/20-30-001-x.jsonl"
    captured.write(tmp_path / path, body)
    s3 = MemoryS3()
    s3.put_object("bucket", f"capture/{path}", body, "")
    s3.put_object("bucket", "capture/folder/", b"", "")
    from_s3, from_folder = in_s3(s3, "capture/"), captures.load(str(tmp_path))
    name = f"s3://bucket/capture/{path}"
    assert from_s3.unreadable == [Unreadable(name, 2, "it has no 'captureData'")]
    assert from_s3.frame["file"].tolist() == [name]
    assert from_s3.frame.drop(columns="file").equals(from_folder.frame.drop(columns="file"))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ClientError({"Error": {"Code": "404"}}, "HeadObject"), "it is gone since it was listed"),
        (RetriesExceededError(OSError("reset")), "its download broke off"),
        (SSLError("decryption failed or bad record mac"), "its download broke off"),
        (ConnectionClosedError(endpoint_url="https://s3"), "its download broke off"),
        (OSError(28, "No space left on device"), "No space left on device"),
    ],
)
def test_an_object_that_cannot_be_had_is_named_and_the_next_is_read(error, reason):
    class BrokenS3(MemoryS3):
        def download_fileobj(self, bucket, key, file):
            if key == "a":
                file.write(b"the first bytes")
                raise error
            super().download_fileobj(bucket, key, file)

    s3 = BrokenS3()
    for key in "ab":
        s3.put_object("bucket", key, gzip.compress(captured.lines(captured.good())), "")
    loaded = in_s3(s3)
    [broken] = loaded.unreadable
    assert (broken.file, broken.line, loaded.records) == ("s3://bucket/a", 0, 1)
    assert reason in broken.reason


def test_an_image_is_read_again_from_its_place(tmp_path):
    frame = load(tmp_path, b"\n", captured.good(3), record(npy(4), answer(*[[0.9, 0.1]] * 4))).frame
    read = image_reader(str(tmp_path), served.SIDE)
    for row in frame.itertuples():
        expected = IMAGES[3 if row.line == 2 else row.position]
        np.testing.assert_array_equal(np.asarray(read(row.file, row.line, row.position)), expected)
    for line, position, reason in ((9, 0, "no line 9"), (2, 1, "no image"), (1, 0, "no line 1")):
        with pytest.raises(ValueError, match=reason):
            read(str(tmp_path / "captures.jsonl"), line, position)
    with pytest.raises(OSError, match="absent"):
        read(str(tmp_path / "absent.jsonl"), 1, 0)


def test_memory_does_not_grow_with_the_images_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(captures, "PIXEL_BYTES", 2**17)
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    asked = side(served.encode(noise, "PNG", compress_level=0), "image/png")

    def peak(count: int) -> int:
        path = captured.write(tmp_path / "a", *[record(asked, answer([0.9, 0.1]))] * count)
        tracemalloc.start()
        loaded = captures.load(str(path))
        _, result = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert len(loaded.frame) == count
        return result

    assert peak(160) - peak(40) < 120 * noise.nbytes / 4


def test_records_of_one_inference_id_are_all_kept(tmp_path):
    loaded = load(tmp_path, captured.good(1), captured.good(1))
    assert loaded.frame["image_id"].tolist() == ["photo-1", "photo-1"]


def test_a_captured_file_alone_can_be_named(tmp_path):
    path = captured.write(tmp_path / "a.jsonl", captured.good())
    captured.write(tmp_path / "a.jsonl.copy", captured.good())
    assert captures.load(str(path)).files == 1
    s3 = memory(a=path.read_bytes())
    s3.put_object("bucket", "a.jsonl.copy", b"{}", "")
    assert in_s3(s3, "a.jsonl").files == 1
