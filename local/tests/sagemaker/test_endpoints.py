"""Endpoints serve real models, are replaced without a gap, and mend themselves."""

import os
import re
import signal
import threading
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from local.sagemaker.logs import endpoint_group
from local.tests.conftest import until
from local.tests.sagemaker.conftest import REPOSITORY, SERVING_IMAGE, model_archive, tar


def test_an_endpoint_describes_what_it_runs(sagemaker, endpoint):
    described = sagemaker.client.describe_endpoint(EndpointName=endpoint)
    assert described["EndpointStatus"] == "InService"
    counts = {"CurrentInstanceCount": 1, "DesiredInstanceCount": 1}
    assert described["ProductionVariants"] == [{"VariantName": "v0", **counts}]
    listed = sagemaker.client.list_endpoints(NameContains=endpoint, StatusEquals="InService")
    assert [entry["EndpointName"] for entry in listed["Endpoints"]] == [endpoint]


def test_more_than_one_variant_is_refused(sagemaker, bicycle_model, motorcycle_model):
    with pytest.raises(ClientError, match="does not emulate more than one production variant"):
        sagemaker.config(bicycle_model, motorcycle_model)


def test_an_update_loses_no_request_and_a_broken_one_changes_nothing(
    sagemaker, bicycle_model, motorcycle_model
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

    threads = [threading.Thread(target=ask, daemon=True) for _ in range(2)]
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

    broken = sagemaker.config(sagemaker.model(tar({"readme.txt": b"no model"})))
    sagemaker.client.update_endpoint(EndpointName=endpoint, EndpointConfigName=broken)
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


def test_a_server_that_dies_is_started_again_and_one_that_is_deleted_is_not(
    sagemaker, bicycle_model
):
    endpoint = sagemaker.endpoint(sagemaker.config(bicycle_model))
    first = server_process(sagemaker, endpoint)
    os.kill(first, signal.SIGKILL)
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
    process = until(lambda: server_process(sagemaker, endpoint), lambda process: process != first)
    assert runs(process)
    sagemaker.delete(endpoint)
    assert not runs(process)
    with pytest.raises(ClientError, match="not found"):
        sagemaker.invoke(endpoint)


@pytest.mark.parametrize(
    ("archive", "reason"),
    [
        (tar({"readme.txt": b"no model"}), "did not pass the ping health check"),
        (tar({"../../model.onnx": b""}), "Failed to extract model data archive"),
        (
            tar({"model.onnx": bytes(range(256)) * 100})[:-20],
            "Failed to extract model data archive",
        ),
        (b"no archive", "Failed to extract model data archive"),
    ],
    ids=["no model", "a path outside", "cut short", "no archive"],
)
def test_a_model_that_cannot_be_served_fails_the_endpoint(sagemaker, archive, reason):
    endpoint = sagemaker.create(sagemaker.config(sagemaker.model(archive)))
    failed = sagemaker.settled(endpoint)
    assert failed["EndpointStatus"] == "Failed"
    assert reason in failed["FailureReason"]
    with pytest.raises(ClientError, match="not found"):
        sagemaker.invoke(endpoint)
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
    variants = client.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
    with pytest.raises(ClientError, match="Cannot create already existing endpoint config"):
        client.create_endpoint_config(EndpointConfigName=config, ProductionVariants=variants)


def test_an_image_must_be_known_and_lie_in_ecr_in_dockers_form(sagemaker):
    digest = sagemaker.push("a1b2c3d")
    repository = SERVING_IMAGE.rpartition(":")[0]

    with pytest.raises(ClientError, match=r"nginx:latest.*/\*-serving"):
        sagemaker.model(b"", "nginx:latest")
    for absent in (f"{repository}:none", f"{repository}@sha256:{'0' * 64}"):
        with pytest.raises(ClientError, match=f"Requested image {absent} not found"):
            sagemaker.model(b"", absent)
    for kind in ("index", "manifest"):
        oci = f"application/vnd.oci.image.{kind}.v1+json"
        sagemaker.push(f"oci-{kind}", oci)
        with pytest.raises(ClientError, match=re.escape(f"Unsupported manifest media type {oci}")):
            sagemaker.model(b"", f"{repository}:oci-{kind}")
    for image in (f"{repository}:a1b2c3d", f"{repository}@{digest}"):
        described = sagemaker.client.describe_model(ModelName=sagemaker.model(b"", image))
        assert described["PrimaryContainer"]["Image"] == image


def test_a_model_or_an_image_that_is_gone_fails_the_endpoint(sagemaker):
    digest, image = sagemaker.push("fleeting"), SERVING_IMAGE.replace("latest", "fleeting")
    model = sagemaker.model(model_archive("bicycle"), image)
    config = sagemaker.config(model)
    sagemaker.s3.delete_object(Bucket=sagemaker.bucket, Key=f"models/{model}/model.tar.gz")
    first = sagemaker.create(config)
    assert "Failed to download model data" in sagemaker.settled(first)["FailureReason"]
    sagemaker.ecr.batch_delete_image(repositoryName=REPOSITORY, imageIds=[{"imageDigest": digest}])
    second = sagemaker.create(config)
    assert f"image {image} not found" in sagemaker.settled(second)["FailureReason"]
    for endpoint in (first, second):
        sagemaker.delete(endpoint)


@pytest.mark.parametrize("isolated", [False, True])
def test_an_isolated_container_has_no_credentials(sagemaker, isolated):
    model = sagemaker.model(model_archive("bicycle"), EnableNetworkIsolation=isolated)
    described = sagemaker.client.describe_model(ModelName=model)
    assert described["EnableNetworkIsolation"] is isolated
    endpoint = sagemaker.endpoint(
        sagemaker.config(model, DataCaptureConfig=sagemaker.capture_config())
    )
    environment = Path(f"/proc/{server_process(sagemaker, endpoint)}/environ").read_bytes()
    assert (b"AWS_" in environment) is not isolated
    assert sagemaker.invoke(endpoint)["json"]["classes"] == ["bicycle", "motorcycle"]
    sagemaker.delete(endpoint)
    assert sagemaker.keys(f"capture/{endpoint}/")  # SageMaker writes, not the container


@pytest.mark.proof
def test_an_update_keeps_the_instances_if_told_to_and_takes_the_new_capture(
    sagemaker, bicycle_model
):
    def config(count: int, percentage: int) -> str:
        capture = sagemaker.capture_config(InitialSamplingPercentage=percentage)
        return sagemaker.config(bicycle_model, count=count, DataCaptureConfig=capture)

    endpoint = sagemaker.endpoint(config(2, 100))
    excluded = {"ExcludeRetainedVariantProperties": [{"VariantPropertyType": "DataCaptureConfig"}]}
    retained = {"RetainAllVariantProperties": True}
    for parameters, count in ((retained | excluded, 2), ({}, 1)):
        request = {"EndpointName": endpoint, "EndpointConfigName": config(1, 50), **parameters}
        sagemaker.client.update_endpoint(**request)
        described = sagemaker.settled(endpoint)
        assert described["ProductionVariants"][0]["DesiredInstanceCount"] == count
        assert described["DataCaptureConfig"]["CurrentSamplingPercentage"] == 50
    for alone in (retained, excluded):
        with pytest.raises(ClientError, match="not emulate RetainAllVariantProperties or"):
            sagemaker.client.update_endpoint(**request | alone)
    sagemaker.delete(endpoint)


def server_process(sagemaker, endpoint: str) -> int:
    """The process that serves the endpoint's one variant, as its server logs it."""
    pattern = re.compile(r"Started server process \[(\d+)\]")
    log = endpoint_group(endpoint)
    started = until(lambda: pattern.findall("\n".join(sagemaker.log(log, "v0/"))), bool, 10)
    return int(started[-1])


def runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
