"""What real executions used is what the model of their design says."""

import pytest

from handlers.outcomes import STATUSES
from scripts.cost import run
from scripts.cost.plan import count_bulk_transitions, count_classify_transitions, plan_bulk
from service import config
from service.stack import Cloud

BULK_FUNCTIONS = {
    "serializeImageData": 3,
    "classifyImage": 3,
    "filterLowConfidence": 3,
    "countResults": 1,
}


@pytest.fixture
def used(service, monkeypatch):
    """A function that gives the usage of an execution."""
    for name in service.env:
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, service.env[name])
    cloud, states = Cloud(), service.client("stepfunctions")
    return lambda execution: run.measure(
        cloud, states.describe_execution(executionArn=execution["executionArn"])
    )


@pytest.fixture(scope="module")
def mixed(service, batch) -> dict:
    """An execution of `classify` with accepted, review and failed images."""
    good = batch["images"][:8]
    results = service.classify(good, threshold=0)["output"]["results"]
    middle = sorted(result["confidence"] for result in results)[4]
    bad = [{"s3_key": "tests/absent.png"}, service.put("tests/no-photo.png", b"a letter")]
    return service.classify([*good, *bad], threshold=middle)


@pytest.fixture(scope="module")
def bulk(service, batch) -> dict:
    """A run of `classifyBulk` in three batches, with an image that fails."""
    lines = [{"s3_key": image["s3_key"]} for image in batch["images"][:29]]
    absent = {"s3_key": "tests/absent.png"}
    return service.classify_bulk([*lines, absent], batch_size=10, threshold=0.5)


def test_classify_uses_what_the_model_says(mixed, used):
    counts, found = mixed["output"]["counts"], used(mixed)
    ended = {status: counts[status] for status in STATUSES}
    assert all(ended.values()), counts
    assert found.transitions == count_classify_transitions(ended)
    calls = {name: function.requests for name, function in found.functions.items()}
    assert calls == {"serializeImageData": 10, "classifyImage": 8, "filterLowConfidence": 8}
    assert all(0.001 < f.seconds / f.requests < 5 for f in found.functions.values())
    assert (found.photos, found.s3_gets, found.express_requests) == (10, 10, 0)


def test_classify_bulk_uses_what_the_plan_says(bulk, used, monkeypatch):
    found, settings = used(bulk), config.load()
    settings = settings | {"bulk": {**settings["bulk"], "batch_size": 10}}
    monkeypatch.setattr(config, "load", lambda: settings)
    plan = plan_bulk(30)
    assert bulk["output"]["counts"]["failed"] == 1
    assert found.transitions == count_bulk_transitions(batches=3)
    assert {name: f.requests for name, f in found.functions.items()} == BULK_FUNCTIONS
    assert found.photos == 30
    for amount in ("express_requests", "s3_gets", "s3_puts", "endpoint_gb"):
        assert getattr(found, amount) == getattr(plan, amount), amount
    for name, function in plan.functions.items():
        assert found.functions[name].memory_mb == function.memory_mb


def test_the_command_prints_the_bill(bulk, service):
    said = service.script("cost", "run", bulk["name"]).stdout
    assert f"{bulk['name']}, SUCCEEDED" in said
    assert "$ a photo" in said
