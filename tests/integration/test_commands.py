"""The Serverless commands that people use, with IAM enforced; the demo runs the others."""

import json
from dataclasses import replace

import botocore.exceptions
import pytest


def sls(service, *command: str, stage: str | None = None, check: bool = True):
    command = ("node_modules/.bin/sls", *command, "--stage", stage or service.stage)
    return service.run(*command, check=check)


def test_invoke_stepf_exits_1_for_a_failed_run(service):
    done = sls(service, "invoke", "stepf", "--name", "classify", "--data", "{}", check=False)
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"] == "InvalidBatch"
    assert "InvalidBatch" in done.stderr


@pytest.mark.proof
def test_invoke_calls_one_function(service, photo):
    done = sls(service, "invoke", "-f", "serializeImageData", "--data", json.dumps(photo))
    answer = json.loads(done.stdout)
    assert answer["s3_key"] == photo["s3_key"]
    assert answer["image_data"].startswith("iVBORw0KGgo")


@pytest.mark.proof
@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("info",), "filterLowConfidence: scones-vehicles-dev-filterLowConfidence"),
        (("deploy", "list"), "Timestamp"),
        (("deploy", "function", "-f", "filterLowConfidence"), "filterLowConfidence"),
        (("rollback",), "Timestamp"),
        (("metrics", "-f", "classifyImage"), "classifyImage"),
        (("logs", "-f", "classifyImage"), "/images/test/bicycle/"),
    ],
    ids=" ".join,
)
def test_what_people_type_by_habit_works(service, command, words):
    done = sls(service, *command)
    assert words in done.stdout + done.stderr


@pytest.mark.proof
def test_invoke_local_runs_each_function_on_this_machine(service, photo):
    path = f"{service.folder}/.venv/bin:{service.env['PATH']}"
    activated = replace(service, env={**service.env, "PATH": path})

    def run(function: str, event: dict) -> dict:
        done = sls(activated, "invoke", "local", "-f", function, "--data", json.dumps(event))
        return json.loads(done.stdout[done.stdout.index("{\n") :])

    serialized = run("serializeImageData", photo)
    classified = run("classifyImage", serialized)
    assert classified["label"] in ("bicycle", "motorcycle")
    passed = run("filterLowConfidence", {**classified, "threshold": 0})
    assert passed["confidence"] == classified["confidence"]


@pytest.mark.proof
def test_a_stage_of_its_own_comes_and_goes_and_leaves_its_bucket(service, photo):
    stage = "fleeting"
    sls(service, "deploy", stage=stage)
    bucket = service.outputs_of("scones-vehicles-fleeting")["BucketName"]
    kept = service.put("photo.png", service.read(photo["s3_key"]), bucket)

    # No endpoint has been deployed for this stage: that is named, and not tried again.
    invoke = ("invoke", "stepf", "--name", "classify", "--data", json.dumps({"images": [kept]}))
    done = sls(service, *invoke, stage=stage, check=False)
    assert done.returncode == 1
    assert "EndpointNotFound" in json.loads(done.stdout)["cause"]["errors"]

    said = sls(service, "remove", stage=stage).stdout
    assert f"aws s3 rb s3://{bucket} --force" in said
    with pytest.raises(botocore.exceptions.ClientError, match="does not exist"):
        service.outputs_of("scones-vehicles-fleeting")
    assert service.keys(bucket=bucket) == ["photo.png"]
