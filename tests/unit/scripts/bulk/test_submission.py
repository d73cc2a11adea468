import json

import pytest

from scripts.bulk.submission import name_of, submit
from service.terminal import UserError
from tests.unit.scripts.bulk.memory_states import BUCKET, STACK, MemoryCloud


@pytest.fixture
def cloud():
    return MemoryCloud()


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "m.jsonl"
    path.write_text('{"s3_key": "a.png"}\n{"s3_key": "a.png"}\n{"s3_key": "b.png"}\n')
    return path


def test_a_run_is_started_with_its_manifest_and_only_the_options_asked_for(cloud, source):
    run = submit(cloud, STACK, source, threshold=0.5, batch_size=50)
    execution = cloud.states.executions[run.execution_arn]
    request = json.loads(execution["input"])
    key = request["manifest"]["s3_key"]
    assert request == {
        "manifest": {"s3_bucket": BUCKET, "s3_key": key},
        "threshold": 0.5,
        "batch_size": 50,
    }
    assert cloud.s3.objects[key] == b'{"s3_key":"a.png","listed":2}\n{"s3_key":"b.png"}\n'
    assert (run.manifest.submitted, run.manifest.lines) == (3, 2)
    assert (run.existed, run.status) == (False, "RUNNING")
    assert run.name == execution["name"]
    assert len(run.name) <= 80


@pytest.mark.parametrize("status", ["RUNNING", "SUCCEEDED", "FAILED"])
def test_the_same_again_is_the_same_run_and_no_work(cloud, source, status):
    first = submit(cloud, STACK, source)
    if status != "RUNNING":
        cloud.states.end(first.execution_arn, status)
    second = submit(cloud, STACK, source)
    assert (second.name, second.execution_arn) == (first.name, first.execution_arn)
    assert (second.existed, second.status, second.manifest.sent) == (True, status, False)
    assert cloud.states.started == 1
    assert len(cloud.s3.changes) == 1


def test_one_who_comes_first_in_between_has_started_the_same_run(cloud, source):
    start = cloud.states.start_execution

    def overtaken(**request):
        cloud.states.end(start(**request)["executionArn"], "SUCCEEDED")
        return start(**request)

    cloud.states.start_execution = overtaken
    run = submit(cloud, STACK, source)
    assert (run.existed, run.status, cloud.states.started) == (True, "SUCCEEDED", 1)


def test_other_options_other_images_and_again_are_other_runs(cloud, source, tmp_path):
    other = tmp_path / "other.jsonl"
    other.write_text('{"s3_key": "c.png"}\n')
    runs = [
        submit(cloud, STACK, source),
        submit(cloud, STACK, source, threshold=0.5),
        submit(cloud, STACK, source, tolerated_failure_percentage=0),
        submit(cloud, STACK, source, keep_duplicates=True),
        submit(cloud, STACK, other),
        submit(cloud, STACK, source, again=True),
        submit(cloud, STACK, source, again=True),
    ]
    assert len({run.name for run in runs}) == cloud.states.started == 7
    assert not any(run.existed for run in runs)


def test_a_threshold_of_1_is_the_same_however_it_is_written(cloud, source):
    whole, real = (submit(cloud, STACK, source, threshold=threshold) for threshold in (1, 1.0))
    assert whole.name == real.name


def test_names_do_not_depend_on_the_process_or_the_order():
    assert name_of({"a": 1, "b": 2}) == name_of({"b": 2, "a": 1})
    assert name_of({"manifest": {"s3_key": "k"}}) == "bulk-c6dae1a2c88367a567e1a09275f9467f"


def test_nothing_to_classify_is_one_line_and_no_run(cloud, tmp_path):
    for source in (tmp_path, "s3://own-bucket/photos/"):
        with pytest.raises(UserError, match=f"no images in {source}"):
            submit(cloud, STACK, source)
    assert cloud.states.started == 0


def test_a_bad_line_starts_nothing_and_leaves_nothing(cloud, source):
    source.write_text('{"s3_key": "a.png"}\n{"key": "b.png"}\n')
    with pytest.raises(UserError, match="line 2"):
        submit(cloud, STACK, source)
    assert (cloud.states.started, cloud.s3.objects) == (0, {})


def test_buckets_that_the_service_may_not_read_are_told_once(cloud, source, capsys):
    source.write_text('{"s3_key": "a.png", "s3_bucket": "closed", "listed": 2}\n{"s3_key": "b"}\n')
    run = submit(cloud, STACK, source)
    said = capsys.readouterr().err
    assert "2 of 3 images" in said
    assert said.count("closed") == 1
    assert run.manifest.submitted == 3
