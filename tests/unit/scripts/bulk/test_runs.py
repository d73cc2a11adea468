import json
import re
from unittest.mock import Mock

import pytest

from scripts.bulk import runs
from scripts.bulk.runs import submit, wait
from service.terminal import Interrupted, UserError
from tests.unit.scripts.bulk.memory_states import (
    BUCKET,
    MACHINE,
    STACK,
    MemoryCloud,
    MemoryStates,
    make_map_run,
)


@pytest.fixture
def cloud():
    return MemoryCloud()


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "m.jsonl"
    path.write_text('{"s3_key": "a.png"}\n{"s3_key": "a.png"}\n{"s3_key": "b.png"}\n')
    return str(path)


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
    assert run.running is None
    assert run.name == execution["name"]
    assert re.fullmatch(r"bulk-\d{8}-\d{6}-[0-9a-f]{6}", run.name)


def test_a_run_that_goes_on_over_the_same_photos_is_named_and_few_are_looked_at(cloud, source):
    first = submit(cloud, STACK, source)
    assert (first.running, submit(cloud, STACK, source).running) == (None, first.name)
    assert len(cloud.s3.changes) == 1
    for number in range(1000):
        cloud.states.start_execution(MACHINE, f"other-{number}", "{}")
    describe = cloud.states.describe_execution = Mock(side_effect=cloud.states.describe_execution)
    assert submit(cloud, STACK, source).running is None  # that is said of the newest alone
    assert 0 < describe.call_count <= runs.COMPARED


@pytest.fixture
def states():
    states = MemoryStates()
    arn = states.start_execution(MACHINE, "run", "{}")["executionArn"]
    states.map_runs[f"map-run-of-{arn}"] = make_map_run(total=1000, succeeded=300, failed=60)
    return states


def arn_of(states) -> str:
    return next(iter(states.executions))


def test_waiting_ends_with_the_run(states, monkeypatch):
    monkeypatch.setattr(
        runs.time, "sleep", lambda _: states.end(arn_of(states), "FAILED", error="BatchFailed")
    )
    assert wait(states, arn_of(states))["error"] == "BatchFailed"


def test_whoever_stops_waiting_is_told_that_the_run_goes_on(states, monkeypatch):
    monkeypatch.setattr(runs.time, "sleep", Mock(side_effect=KeyboardInterrupt))
    with pytest.raises(Interrupted, match=r"goes on.*stop-execution.*:run"):
        wait(states, arn_of(states))


def test_a_run_is_found_by_name_by_arn_or_as_the_newest_though_an_older_ended_later(states):
    arn = states.start_execution(MACHINE, "second", "{}")["executionArn"]
    assert runs.find(states, MACHINE, "second") == runs.find(states, MACHINE, arn)
    states.end(arn_of(states), "SUCCEEDED")
    assert runs.find(states, MACHINE)["name"] == "second"


def test_a_run_that_is_not_there_or_of_another_state_machine_is_one_line(states):
    other = states.start_execution(MACHINE.replace("Bulk", ""), "batch", "{}")["executionArn"]
    for name in ("third", other):
        with pytest.raises(UserError, match=f"no run {name}"):
            runs.find(states, MACHINE, name)
    with pytest.raises(UserError, match="no run yet"):
        runs.find(MemoryStates(), MACHINE)
