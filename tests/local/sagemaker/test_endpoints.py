"""Endpoints serve real models, are replaced without a gap, and mend themselves."""

import os
import re
import signal
import threading
import time

import pytest
from botocore.exceptions import ClientError

from local.sagemaker.logs import endpoint_group
from tests.archives import tar
from tests.local.conftest import until
from tests.local.sagemaker.conftest import model_archive


def test_an_endpoint_describes_what_it_runs(sagemaker, endpoint):
    described = sagemaker.client.describe_endpoint(EndpointName=endpoint)
    assert described["EndpointStatus"] == "InService"
    (variant,) = described["ProductionVariants"]
    assert variant["VariantName"] == "v0"
    assert variant["CurrentWeight"] == 1.0
    assert variant["CurrentInstanceCount"] == variant["DesiredInstanceCount"] == 1
    listed = sagemaker.client.list_endpoints(NameContains=endpoint, StatusEquals="InService")
    assert [entry["EndpointName"] for entry in listed["Endpoints"]] == [endpoint]


def test_traffic_is_shared_by_weight_and_can_name_its_variant(
    sagemaker, bicycle_model, motorcycle_model
):
    config = sagemaker.config(bicycle_model, motorcycle_model, weights=(1.0, 0.0))
    endpoint = sagemaker.endpoint(config)
    answers = [sagemaker.invoke(endpoint) for _ in range(10)]
    assert {answer["InvokedProductionVariant"] for answer in answers} == {"v0"}
    named = sagemaker.invoke(endpoint, TargetVariant="v1")
    assert named["InvokedProductionVariant"] == "v1"
    bicycle, motorcycle = named["json"]["inferences"][0]
    assert motorcycle > bicycle
    with pytest.raises(ClientError, match="v2"):
        sagemaker.invoke(endpoint, TargetVariant="v2")
    sagemaker.delete(endpoint)


def test_an_update_loses_no_request_and_a_broken_one_changes_nothing(
    sagemaker, bicycle_model, motorcycle_model, broken_model
):
    endpoint = sagemaker.endpoint(sagemaker.config(bicycle_model))
    first_server = server_process(sagemaker, endpoint)
    answers, errors, done = [], [], threading.Event()

    def ask():
        while not done.is_set():
            try:
                bicycle, motorcycle = sagemaker.invoke(endpoint)["json"]["inferences"][0]
                answers.append("bicycle" if bicycle > motorcycle else "motorcycle")
            except Exception as error:
                errors.append(error)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    until(lambda: len(answers), lambda count: count > 5)

    config = sagemaker.config(motorcycle_model)
    sagemaker.client.update_endpoint(EndpointName=endpoint, EndpointConfigName=config)
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        sagemaker.client.delete_endpoint(EndpointName=endpoint)
    updated = sagemaker.settled(endpoint)
    assert (updated["EndpointStatus"], updated["EndpointConfigName"]) == ("InService", config)
    until(lambda: runs(first_server), lambda running: not running)

    sagemaker.client.update_endpoint(
        EndpointName=endpoint, EndpointConfigName=sagemaker.config(broken_model)
    )
    rolled_back = sagemaker.settled(endpoint)
    assert rolled_back["EndpointStatus"] == "InService"
    assert rolled_back["EndpointConfigName"] == config
    assert "did not pass the ping health check" in rolled_back["FailureReason"]

    answered = len(answers)
    until(lambda: len(answers), lambda count: count > answered + 5)
    done.set()
    for thread in threads:
        thread.join()
    assert not errors
    assert answers[0] == "bicycle"
    assert answers[-1] == "motorcycle"
    sagemaker.delete(endpoint)


def test_a_server_that_dies_is_started_again(sagemaker, bicycle_model):
    endpoint = sagemaker.endpoint(sagemaker.config(bicycle_model))
    os.kill(server_process(sagemaker, endpoint), signal.SIGKILL)
    codes = set()

    def answers():
        try:
            return sagemaker.invoke(endpoint)["json"]["classes"]
        except ClientError as error:
            codes.add(error.response["Error"]["Code"])
            return None

    until(lambda: answers() is None, bool)
    until(answers, bool)
    assert codes <= {"ModelError", "ServiceUnavailable"}
    described = sagemaker.client.describe_endpoint(EndpointName=endpoint)
    assert described["EndpointStatus"] == "InService"
    sagemaker.delete(endpoint)


def test_deleting_an_endpoint_ends_its_server(sagemaker, bicycle_model):
    endpoint = sagemaker.endpoint(sagemaker.config(bicycle_model))
    process = server_process(sagemaker, endpoint)
    assert runs(process)
    sagemaker.delete(endpoint)
    assert not runs(process)
    with pytest.raises(ClientError, match="not found"):
        sagemaker.invoke(endpoint)
    with pytest.raises(ClientError, match="Could not find endpoint"):
        sagemaker.client.describe_endpoint(EndpointName=endpoint)


@pytest.mark.parametrize(
    ("archive", "reason"),
    [
        (tar({"readme.txt": b"no model"}), "did not pass the ping health check"),
        (tar({"../../model.onnx": b""}), "leads out of the model's folder"),
        (tar({"/tmp/model.onnx": b""}), "leads out of the model's folder"),
        (b"no archive", "Failed to extract model data archive"),
    ],
)
def test_a_model_that_cannot_be_served_fails_the_endpoint(sagemaker, archive, reason):
    endpoint = sagemaker.create(sagemaker.config(sagemaker.model(archive)))
    failed = sagemaker.settled(endpoint)
    assert failed["EndpointStatus"] == "Failed"
    assert reason in failed["FailureReason"]
    with pytest.raises(ClientError, match="not found"):
        sagemaker.invoke(endpoint)
    sagemaker.delete(endpoint)


def test_a_model_that_is_gone_fails_the_endpoint(sagemaker):
    model = sagemaker.model(model_archive("bicycle"))
    sagemaker.s3.delete_object(Bucket=sagemaker.bucket, Key=f"models/{model}/model.tar.gz")
    endpoint = sagemaker.create(sagemaker.config(model))
    assert "Failed to download model data" in sagemaker.settled(endpoint)["FailureReason"]
    sagemaker.delete(endpoint)


def test_a_role_that_cannot_read_the_model_is_refused(sagemaker):
    role = sagemaker.make_role(("logs:*", "*"))
    with pytest.raises(ClientError, match="Could not access model data"):
        sagemaker.model(model_archive("bicycle"), ExecutionRoleArn=role)


def test_what_does_not_exist_is_named(sagemaker, bicycle_model):
    client = sagemaker.client
    with pytest.raises(ClientError, match='Could not find model "arn:aws:sagemaker:'):
        sagemaker.config("no-such-model")
    with pytest.raises(ClientError, match='Could not find endpoint configuration "arn:aws'):
        sagemaker.create("no-such-config")
    with pytest.raises(ClientError, match='Could not find endpoint "arn:aws:sagemaker:'):
        client.update_endpoint(EndpointName="none", EndpointConfigName="none")
    config = sagemaker.config(bicycle_model)
    with pytest.raises(ClientError, match="Cannot create already existing endpoint config"):
        client.create_endpoint_config(
            EndpointConfigName=config,
            ProductionVariants=client.describe_endpoint_config(EndpointConfigName=config)[
                "ProductionVariants"
            ],
        )
    client.delete_endpoint_config(EndpointConfigName=config)
    with pytest.raises(ClientError, match="Could not find endpoint configuration"):
        client.describe_endpoint_config(EndpointConfigName=config)


def test_models_are_described_and_deleted(sagemaker):
    model = sagemaker.model(model_archive("bicycle"))
    described = sagemaker.client.describe_model(ModelName=model)
    assert described["ExecutionRoleArn"] == sagemaker.role
    assert described["PrimaryContainer"]["ModelDataUrl"].endswith(f"{model}/model.tar.gz")
    listed = sagemaker.client.list_models(NameContains=model)["Models"]
    assert [entry["ModelArn"] for entry in listed] == [described["ModelArn"]]
    sagemaker.client.delete_model(ModelName=model)
    assert sagemaker.client.list_models(NameContains=model)["Models"] == []


def server_process(sagemaker, endpoint: str) -> int:
    """The process that serves the endpoint's one variant, as its server logs it."""
    pattern = re.compile(r"Started server process \[(\d+)\]")

    def started() -> list[str]:
        return pattern.findall("\n".join(sagemaker.log(endpoint_group(endpoint), "v0/")))

    deadline = time.monotonic() + 10
    while not (found := started()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return int(found[-1])


def runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
