"""The Serverless commands that people use, unchanged, with IAM enforced."""

import json
from dataclasses import replace

import botocore.exceptions
import pytest

SLS = ("node_modules/.bin/sls",)


def stage(service) -> tuple[str, str]:
    return "--stage", service.stage


@pytest.mark.proof
def test_info_lists_the_three_functions(service):
    said = service.run(*SLS, "info", *stage(service)).stdout
    for function in ("serializeImageData", "classifyImage", "filterLowConfidence"):
        assert f"{function}: scones-vehicles-{service.stage}-{function}" in said


@pytest.mark.proof
def test_invoke_calls_one_function(service, photo):
    done = service.run(
        *SLS, "invoke", "-f", "serializeImageData", *stage(service), "--data", json.dumps(photo)
    )
    answer = json.loads(done.stdout)
    assert answer["s3_key"] == photo["s3_key"]
    assert answer["image_data"].startswith("iVBORw0KGgo")


@pytest.mark.proof
def test_logs_show_what_a_function_said(service, photo):
    service.classify([photo], threshold=0)
    said = service.run(*SLS, "logs", "-f", "classifyImage", *stage(service)).stdout
    assert photo["s3_key"] in said


def test_invoke_stepf_takes_a_file(service, batch):
    done = service.run(
        *SLS, "invoke", "stepf", "--name", "classify", "--data", "batch.json", *stage(service)
    )
    execution = json.loads(done.stdout)
    assert execution["status"] == "SUCCEEDED"
    assert json.loads(execution["output"])["counts"]["submitted"] == len(batch["images"])


@pytest.mark.proof
def test_invoke_stepf_takes_literal_json(service, photo):
    data = json.dumps({"images": [photo], "threshold": 0})
    done = service.run(
        *SLS, "invoke", "stepf", "--name", "classify", "--data", data, *stage(service)
    )
    assert json.loads(json.loads(done.stdout)["output"])["counts"]["accepted"] == 1


def test_invoke_stepf_refuses_what_is_neither_json_nor_a_file(service):
    done = service.run(
        *SLS,
        *("invoke", "stepf", "--name", "classify", "--data", "no-such.json"),
        *stage(service),
        check=False,
    )
    assert done.returncode == 1
    lines = (done.stdout + done.stderr).strip().splitlines()
    assert len(lines) == 1, lines
    assert "no-such.json" in lines[0]


def test_invoke_stepf_exits_1_for_a_failed_run(service):
    done = service.run(
        *SLS,
        *("invoke", "stepf", "--name", "classify", "--data", "{}"),
        *stage(service),
        check=False,
    )
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"] == "InvalidBatch"
    assert "InvalidBatch" in done.stderr


@pytest.mark.proof
@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("deploy", "list"), "Timestamp"),
        (("deploy", "list", "functions"), "filterLowConfidence"),
        (("deploy", "function", "-f", "filterLowConfidence"), "filterLowConfidence"),
        (("rollback",), "Timestamp"),
        (("metrics", "-f", "classifyImage"), "classifyImage"),
        (("print", "--path", "service"), "scones-vehicles"),
    ],
    ids=" ".join,
)
def test_what_people_type_by_habit_works(service, command, words):
    done = service.run(*SLS, *command, *stage(service))
    assert words in done.stdout + done.stderr


@pytest.mark.proof
def test_invoke_local_runs_each_function_on_this_machine(service, photo):
    path = f"{service.folder}/.venv/bin:{service.env['PATH']}"
    activated = replace(service, env={**service.env, "PATH": path})

    def run(function: str, event: dict) -> dict:
        command = (*SLS, "invoke", "local", "-f", function, *stage(service))
        done = activated.run(*command, "--data", json.dumps(event))
        return json.loads(done.stdout[done.stdout.index("{\n") :])

    serialized = run("serializeImageData", photo)
    classified = run("classifyImage", serialized)
    assert classified["label"] in ("bicycle", "motorcycle")
    passed = run("filterLowConfidence", {**classified, "threshold": 0})
    assert passed["confidence"] == classified["confidence"]


@pytest.mark.proof
def test_a_stage_of_its_own_comes_and_goes_and_leaves_its_bucket(service, photo):
    stage = ("--stage", "fleeting")
    service.run(*SLS, "deploy", *stage)
    stacks, name = service.client("cloudformation"), "scones-vehicles-fleeting"
    outputs = stacks.describe_stacks(StackName=name)["Stacks"][0]["Outputs"]
    bucket = next(o["OutputValue"] for o in outputs if o["OutputKey"] == "BucketName")
    body = service.client("s3").get_object(Bucket=photo["s3_bucket"], Key=photo["s3_key"])
    kept = service.put("photo.png", body["Body"].read(), bucket)

    # No endpoint has been deployed for this stage: that is named, and not tried again.
    data = json.dumps({"images": [kept]})
    done = service.run(
        *(*SLS, "invoke", "stepf", "--name", "classify", "--data", data, *stage), check=False
    )
    assert done.returncode == 1
    assert "EndpointNotFound" in done.stderr

    said = service.run(*SLS, "remove", *stage).stderr
    assert f"the bucket {bucket}: 1 objects" in said
    with pytest.raises(botocore.exceptions.ClientError, match="does not exist"):
        stacks.describe_stacks(StackName=name)
    listed = service.client("s3").list_objects_v2(Bucket=bucket)["Contents"]
    assert [entry["Key"] for entry in listed] == ["photo.png"]
