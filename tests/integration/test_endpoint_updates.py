"""UpdateEndpoint by `deploy_endpoint`: what happens to the calls that come in meanwhile."""

import json
import threading
import time
from contextlib import contextmanager

import pytest

from tests.integration.service import STAGE
from tests.models import model_archive

CALLERS = 4
CONSTANT = 0.88  # the confidence of model_archive's model, whatever it sees


def deploy(service, *arguments: str, check: bool = True):
    return service.script("deploy_endpoint", *arguments, check=check)


@pytest.fixture
def trained(service):
    """Where the trained model lies; it serves before and after the test."""
    uri = service.served_archive()
    yield uri
    if service.served_archive() != uri:
        deploy(service, "--model-data", uri)


def put_model(service, name: str, archive: bytes) -> str:
    entry = service.put(f"training/{name}/model.tar.gz", archive)
    return f"s3://{entry['s3_bucket']}/{entry['s3_key']}"


@contextmanager
def load(service, photo):
    """Call the endpoint from several threads, none of which tries again; yields (answers, errors).

    An answer is (when it was asked for, when it came, its greatest probability).
    """
    runtime = service.client("sagemaker-runtime", retries={"total_max_attempts": 1})
    image = service.read(photo["s3_key"])
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
def test_a_good_model_takes_over_and_no_call_is_lost(service, photo, trained):
    good = put_model(service, "good", model_archive("bicycle"))
    with load(service, photo) as (answers, errors):
        deploy(service, "--model-data", good, "--force")
        over = time.monotonic()
        time.sleep(0.5)
    assert errors == []
    assert service.served_archive() == good
    by_new = [confidence == pytest.approx(CONSTANT, abs=0.001) for *_, confidence in answers]
    assert not by_new[0]
    after = [new for (asked, *_), new in zip(answers, by_new, strict=True) if asked > over]
    assert after
    assert all(after)


def test_a_model_whose_answers_the_functions_refuse_does_not_stay(service, photo, trained):
    odd = put_model(service, "odd", model_archive("bicycle", excess=1))
    done = deploy(service, "--model-data", odd, "--force", check=False)
    assert done.returncode == 1
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("error: "))
    assert "classifyImage cannot use this model: InvalidModelResponse" in line
    assert line.endswith("The model before serves again.")
    assert service.served_archive() == trained
    sagemaker = service.client("sagemaker")
    assert len(sagemaker.list_models()["Models"]) == 1
    assert len(sagemaker.list_endpoint_configs()["EndpointConfigs"]) == 1
    assert service.classify([photo])["output"]["counts"]["failed"] == 0


def test_the_model_runs_an_image_of_that_very_digest_cut_off_from_the_network(service):
    model, uri = service.served_model(), service.outputs["ServingRepositoryUri"]
    images = service.client("ecr").describe_images(repositoryName=uri.partition("/")[2])
    digests = [f"{uri}@{image['imageDigest']}" for image in images["imageDetails"]]
    assert model["PrimaryContainer"]["Image"] in digests
    assert model["EnableNetworkIsolation"] is True


def test_the_lines_of_sagemakers_containers_expire(service):
    name = service.outputs["EndpointName"]
    listed = service.client("logs").describe_log_groups(logGroupNamePrefix="/aws/sagemaker/")
    days = {group["logGroupName"]: group.get("retentionInDays") for group in listed["logGroups"]}
    assert days[f"/aws/sagemaker/Endpoints/{name}"] == 30
    assert days["/aws/sagemaker/TrainingJobs"] == 30


def test_an_endpoint_is_deleted_without_a_stack(service):
    done = deploy(service, "--stage", "gone", "--delete")
    assert "scones-vehicles-gone was not there" in done.stdout


def test_the_stack_is_not_removed_while_its_endpoint_is_there(service):
    done = service.script("removal", "--stage", STAGE, check=False)
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert f"python -m scripts.deploy_endpoint --delete --stage {STAGE}" in line


@pytest.mark.proof
def test_scaling_outlives_another_instance_type_and_delete_removes_all(service, trained):
    sagemaker = service.client("sagemaker")
    autoscaling = service.client("application-autoscaling")

    def scaled() -> list:
        found = autoscaling.describe_scalable_targets(ServiceNamespace="sagemaker")
        return found["ScalableTargets"]

    said = deploy(service, "--model-data", trained, "--autoscale", "1-3").stdout
    try:
        assert "1 to 3 instances" in said
        (target,) = scaled()
        assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 3)
        name = service.outputs["EndpointName"]
        assert target["ResourceId"] == f"endpoint/{name}/variant/AllTraffic"

        deploy(service, "--model-data", trained, "--instance-type", "ml.m5.large")
        (again,) = scaled()
        assert (again["MinCapacity"], again["MaxCapacity"]) == (1, 3)
        policies = autoscaling.describe_scaling_policies(ServiceNamespace="sagemaker")
        assert len(policies["ScalingPolicies"]) == 1
        (config,) = sagemaker.list_endpoint_configs()["EndpointConfigs"]
        name = config["EndpointConfigName"]
        config = sagemaker.describe_endpoint_config(EndpointConfigName=name)
        (variant,) = config["ProductionVariants"]
        assert variant["InstanceType"] == "ml.m5.large"

        deploy(service, "--delete")
        assert scaled() == []
        assert sagemaker.list_endpoints()["Endpoints"] == []
        assert sagemaker.list_endpoint_configs()["EndpointConfigs"] == []
        assert sagemaker.list_models()["Models"] == []
    finally:
        deploy(service, "--model-data", trained)
