"""UpdateEndpoint by `deploy_endpoint`: what happens to the calls that come in meanwhile."""

import json
import sys
import threading
import time
from contextlib import contextmanager

import pytest

from tests.archives import tar
from tests.integration.service import STAGE
from tests.local.sagemaker.conftest import model_archive

DEPLOY = (sys.executable, "-m", "scripts.deploy_endpoint", "--stage", STAGE)
CALLERS = 4
CONSTANT = 0.88  # the confidence of model_archive's model, whatever it sees


def served_model(service) -> str:
    """Where the model.tar.gz lies that the endpoint serves."""
    sagemaker = service.client("sagemaker")
    endpoint = sagemaker.describe_endpoint(EndpointName=service.outputs["EndpointName"])
    assert endpoint["EndpointStatus"] == "InService"
    config = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    model = sagemaker.describe_model(ModelName=config["ProductionVariants"][0]["ModelName"])
    return model["PrimaryContainer"]["ModelDataUrl"]


@pytest.fixture
def trained(service):
    """Where the trained model lies; it serves before and after the test."""
    uri = served_model(service)
    yield uri
    if served_model(service) != uri:
        service.run(*DEPLOY, "--model-data", uri)


def put_model(service, name: str, archive: bytes) -> str:
    entry = service.put(f"training/{name}/model.tar.gz", archive)
    return f"s3://{entry['s3_bucket']}/{entry['s3_key']}"


@contextmanager
def load(service, photo):
    """Call the endpoint from several threads, none of which tries again; yields (answers, errors).

    An answer is (when it was asked for, when it came, its greatest probability).
    """
    runtime = service.client("sagemaker-runtime", retries={"total_max_attempts": 1})
    image = (
        service.client("s3")
        .get_object(Bucket=photo["s3_bucket"], Key=photo["s3_key"])["Body"]
        .read()
    )
    answers, errors, over = [], [], threading.Event()

    def call():
        while not over.is_set():
            asked = time.monotonic()
            try:
                answer = runtime.invoke_endpoint(
                    EndpointName=service.outputs["EndpointName"],
                    ContentType="image/png",
                    Body=image,
                )
                (row,) = json.load(answer["Body"])["inferences"]
                answers.append((asked, time.monotonic(), max(row)))
            except Exception as error:
                errors.append(error)
            time.sleep(0.01)

    threads = [threading.Thread(target=call) for _ in range(CALLERS)]
    for thread in threads:
        thread.start()
    try:
        yield answers, errors
    finally:
        over.set()
        for thread in threads:
            thread.join()


@pytest.mark.proof
def test_a_bad_model_leaves_the_old_one_serving_every_call(service, photo, trained):
    bad = put_model(service, "bad", tar({"model.onnx": b"no model", "metrics.json": b"{}"}))
    with load(service, photo) as (answers, errors):
        done = service.run(*DEPLOY, "--model-data", bad, "--force", check=False)
        over = time.monotonic()
        time.sleep(0.5)
    assert done.returncode == 1
    assert "could not be updated and is InService" in done.stderr
    assert errors == []
    assert len({confidence for *_, confidence in answers}) == 1
    assert any(asked > over for asked, *_ in answers)
    assert served_model(service) == trained


@pytest.mark.proof
def test_a_good_model_takes_over_and_no_call_is_lost(service, photo, trained):
    good = put_model(service, "good", model_archive("bicycle"))
    with load(service, photo) as (answers, errors):
        service.run(*DEPLOY, "--model-data", good, "--force")
        over = time.monotonic()
        time.sleep(0.5)
    assert errors == []
    assert served_model(service) == good
    by_new = [confidence == pytest.approx(CONSTANT, abs=0.001) for *_, confidence in answers]
    assert not by_new[0]
    after = [new for (asked, *_), new in zip(answers, by_new, strict=True) if asked > over]
    assert after
    assert all(after)


def test_a_model_below_the_floors_is_refused_unless_forced(service, trained):
    poor = {
        "accuracy": 0.5,
        "expected_calibration_error": {"after_temperature": 0.01},
    }
    archive = tar({"metrics.json": json.dumps({"test": poor}).encode()})
    done = service.run(*DEPLOY, "--model-data", put_model(service, "poor", archive), check=False)
    assert done.returncode == 1
    assert "accuracy of 0.5000" in done.stderr
    assert "--force" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert served_model(service) == trained


@pytest.mark.proof
def test_delete_removes_all_that_was_made_the_scaling_too(service, trained):
    sagemaker = service.client("sagemaker")
    autoscaling = service.client("application-autoscaling")

    def scaled() -> list:
        return autoscaling.describe_scalable_targets(ServiceNamespace="sagemaker")[
            "ScalableTargets"
        ]

    said = service.run(*DEPLOY, "--model-data", trained, "--autoscale", "1-3").stdout
    try:
        assert "1 to 3 instances" in said
        (target,) = scaled()
        assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 3)
        name = service.outputs["EndpointName"]
        assert target["ResourceId"] == f"endpoint/{name}/variant/AllTraffic"
        service.run(*DEPLOY, "--delete")
        assert scaled() == []
        assert sagemaker.list_endpoints()["Endpoints"] == []
        assert sagemaker.list_endpoint_configs()["EndpointConfigs"] == []
        assert sagemaker.list_models()["Models"] == []
    finally:
        service.run(*DEPLOY, "--model-data", trained)
