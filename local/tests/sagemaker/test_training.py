"""Training jobs run as a container would, report as AWS does, and act as their role alone."""

import json
import os
import re

import pytest

from local.sagemaker.logs import TRAINING_JOBS
from local.tests.conftest import ACCOUNT, until
from local.tests.sagemaker.conftest import untar


def test_a_job_goes_through_its_phases_and_leaves_its_results(sagemaker):
    data = sagemaker.put("data/one/x.txt", b"hello").removesuffix("/x.txt")
    job = sagemaker.run(
        "cp /opt/ml/input/data/train/x.txt /opt/ml/model/model.txt; "
        "cp /opt/ml/input/config/hyperparameters.json /opt/ml/output/data/asked.json",
        {"train": data},
        HyperParameters={"epochs": "3"},
    )
    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Completed"
    phases = [transition["Status"] for transition in job["SecondaryStatusTransitions"]]
    assert phases == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert all("EndTime" in transition for transition in job["SecondaryStatusTransitions"])
    assert job["BillableTimeInSeconds"] >= 1
    output = f"s3://{sagemaker.bucket}/training/{job['TrainingJobName']}/output"
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == f"{output}/model.tar.gz"
    assert job["files"] == {"model.txt": b"hello"}
    asked = untar(sagemaker.get(f"{output}/output.tar.gz"))
    assert json.loads(asked["asked.json"]) == {"epochs": "3"}


def test_a_channel_holds_what_lies_below_its_prefix_and_no_neighbour(sagemaker):
    sagemaker.put("data/two/train/deep/a.txt", b"")
    sagemaker.put("data/two/training/b.txt", b"")
    job = sagemaker.run(
        "cd /opt/ml/input/data/train; find . -type f > /opt/ml/model/files",
        {"train": f"s3://{sagemaker.bucket}/data/two/train"},
    )
    assert job["files"]["files"].split() == [b"./deep/a.txt"]


def test_the_log_is_whole_when_the_job_has_ended_and_has_the_last_value_of_each_metric(sagemaker):
    definitions = [
        {"Name": "accuracy", "Regex": r"^accuracy=([0-9.]+)"},
        {"Name": "loss", "Regex": r"loss=([0-9.]+)"},
    ]
    job = sagemaker.run(
        "for i in $(seq 500); do echo accuracy=0.$i; done; echo validation_accuracy=1 >&2",
        AlgorithmSpecification={"MetricDefinitions": definitions},
    )
    lines = sagemaker.log(TRAINING_JOBS, job["TrainingJobName"])
    assert lines == [*(f"accuracy=0.{number}" for number in range(1, 501)), "validation_accuracy=1"]
    metrics = {metric["MetricName"]: metric["Value"] for metric in job["FinalMetricDataList"]}
    assert metrics == {"accuracy": pytest.approx(0.5)}


def test_a_job_sees_its_role_and_nothing_of_the_server(sagemaker):
    job = sagemaker.run("env > /opt/ml/model/env", Environment={"ASKED": "yes"})
    env = dict(line.split("=", 1) for line in job["files"]["env"].decode().splitlines())
    assert env["ASKED"] == "yes"
    assert env["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert not {"AUTH", "GATEWAY_PORT", "PYTHONPATH", "AWS_CONFIG_FILE"} & set(env)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("exit 3", "AlgorithmError: Exit Code: 3"),
        ("echo no data > /opt/ml/output/failure; exit 1", "AlgorithmError: no data, exit code: 1"),
    ],
)
def test_a_job_whose_script_fails_says_why(sagemaker, script, reason):
    job = sagemaker.run(script)
    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Failed"
    assert job["FailureReason"] == reason


@pytest.mark.parametrize(
    ("channel", "allowed", "reason"),
    [
        ("nothing/here", ["s3:*"], "Data download failed:No S3 objects found"),
        ("data/one", ["s3:ListBucket", "s3:PutObject"], "Data download failed:.*AccessDenied"),
        ("data/one", ["s3:ListBucket", "s3:GetObject"], "Artifact upload failed:.*AccessDenied"),
    ],
)
def test_a_job_without_data_or_permission_fails(sagemaker, channel, allowed, reason):
    sagemaker.put("data/one/x.txt", b"hello")
    role = sagemaker.make_role(*[(action, "*") for action in allowed])
    job = sagemaker.run("true", {"train": f"s3://{sagemaker.bucket}/{channel}"}, RoleArn=role)
    assert job["TrainingJobStatus"] == "Failed"
    assert re.match(f"ClientError: {reason}", job["FailureReason"])


def test_a_job_that_runs_too_long_is_stopped_with_its_children(sagemaker):
    job = sagemaker.run(
        "sleep 300 & echo $!; trap '' TERM; wait", StoppingCondition={"MaxRuntimeInSeconds": 1}
    )
    assert job["TrainingJobStatus"] == "Stopped"
    assert job["SecondaryStatus"] == "MaxRuntimeExceeded"
    (child,) = sagemaker.log(TRAINING_JOBS, job["TrainingJobName"])
    with pytest.raises(ProcessLookupError):
        os.kill(int(child), 0)
    with pytest.raises(sagemaker.client.exceptions.ResourceInUse, match="must be unique"):
        sagemaker.job("true", TrainingJobName=job["TrainingJobName"])


COUNT_ON = (
    "cd /opt/ml/checkpoints; test -e count || echo 0 > count; cat count; "
    "echo $(( $(cat count) + 1 )) > count; echo counted;"
)


def test_a_stopped_job_keeps_what_it_made_and_goes_on_from_its_checkpoints(sagemaker):
    config = {"S3Uri": f"s3://{sagemaker.bucket}/checkpoints/one"}
    sagemaker.put("checkpoints/one-more/other", b"a neighbour's")
    half = "echo half > /opt/ml/model/model.txt; sleep 300"
    job = sagemaker.job(f"{COUNT_ON} {half}", CheckpointConfig=config)
    # As on AWS the copy is made while the job runs: an instance that is taken away tells nobody.
    until(lambda: sagemaker.keys("checkpoints/one/"), bool)
    sagemaker.client.stop_training_job(TrainingJobName=job)
    ended = sagemaker.ended(job)
    assert ended["TrainingJobStatus"] == ended["SecondaryStatus"] == "Stopped"
    assert "Stopping" in [phase["Status"] for phase in ended["SecondaryStatusTransitions"]]
    model = untar(sagemaker.get(ended["ModelArtifacts"]["S3ModelArtifacts"]))
    assert model == {"model.txt": b"half\n"}
    with pytest.raises(sagemaker.client.exceptions.ClientError, match="in status Stopped"):
        sagemaker.client.stop_training_job(TrainingJobName=job)
    again = sagemaker.run(
        f"{COUNT_ON} ls",
        CheckpointConfig=config,
        EnableManagedSpotTraining=True,
        StoppingCondition={"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 60},
    )
    log = sagemaker.log(TRAINING_JOBS, again["TrainingJobName"])
    assert log == ["1", "counted", "count"]
    assert sagemaker.get(f"{config['S3Uri']}/count") == b"2\n"


def test_checkpoints_that_the_role_may_not_write_fail_the_job(sagemaker):
    role = sagemaker.make_role(("s3:ListBucket", "*"), ("s3:GetObject", "*"))
    job = sagemaker.run(
        f"{COUNT_ON} sleep 300",
        RoleArn=role,
        CheckpointConfig={"S3Uri": f"s3://{sagemaker.bucket}/checkpoints/two"},
    )
    assert job["FailureReason"].startswith("ClientError: Checkpoint upload failed")
    assert "AccessDenied" in job["FailureReason"]


@pytest.mark.parametrize(
    ("spot", "wait", "reason"),
    [(True, None, "must be present"), (True, 59, "greater than"), (False, 60, "not allowed")],
)
def test_spot_training_and_its_time_to_wait_come_together(sagemaker, spot, wait, reason):
    condition = {"MaxRuntimeInSeconds": 60, **({"MaxWaitTimeInSeconds": wait} if wait else {})}
    with pytest.raises(sagemaker.client.exceptions.ClientError, match=reason):
        sagemaker.job("true", EnableManagedSpotTraining=spot, StoppingCondition=condition)


@pytest.mark.parametrize("trusted", [("lambda", ACCOUNT), ("sagemaker", "111122223333")])
def test_a_role_that_does_not_trust_sagemaker_for_the_account_is_refused(
    sagemaker, workshop, trusted
):
    service, account = trusted
    role = workshop.role(f"{service}.amazonaws.com", ("s3:*", "*"), account=account)
    with pytest.raises(sagemaker.client.exceptions.ClientError, match="Could not assume role"):
        sagemaker.job("true", RoleArn=role)


def test_what_is_not_emulated_is_refused_by_name(sagemaker):
    for request, named in (
        ({"EnableNetworkIsolation": True}, "EnableNetworkIsolation"),
        ({"CheckpointConfig": {"S3Uri": "s3://b", "LocalPath": "/tmp"}}, "LocalPath /tmp"),
        ({"AlgorithmSpecification": {"TrainingInputMode": "Pipe"}}, "TrainingInputMode Pipe"),
        ({"AlgorithmSpecification": {"TrainingImage": "python:3.13"}}, "python:3.13"),
    ):
        with pytest.raises(sagemaker.client.exceptions.ClientError, match=named):
            sagemaker.job("true", **request)
