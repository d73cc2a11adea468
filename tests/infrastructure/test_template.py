"""The packaged template: what must hold between its resources, config.yml and the handlers."""

import json
import re
import subprocess
import sys
from pathlib import Path

import yaml

from handlers.aws import CLIENT_CONFIG
from handlers.settings import Settings
from tests.infrastructure.conftest import REPOSITORY
from tests.infrastructure.template import of_type

CONFIG = yaml.safe_load((REPOSITORY / "config.yml").read_text())

EXPRESS_SECONDS = 300


def functions(resources: dict) -> dict:
    """Properties of the functions by the last word of their names, as in serverless.yml."""
    found = of_type(resources, "AWS::Lambda::Function").values()
    return {function["FunctionName"].rsplit("-", 1)[1]: function for function in found}


def image_states(resources: dict, machine: str) -> list[dict]:
    """The tasks that each image or batch goes through, in their order."""
    text = resources[machine]["Properties"]["DefinitionString"]["Fn::Sub"][0]
    [map_state] = [s for s in json.loads(text)["States"].values() if s["Type"] == "Map"]
    states = map_state["ItemProcessor"]["States"].values()
    return [state for state in states if state["Type"] == "Task"]


def test_cfn_lint_finds_nothing(template_file):
    # W3005: osls adds a DependsOn on a function's role, which the GetAtt of its ARN implies.
    cfn_lint = Path(sys.executable).with_name("cfn-lint")
    command = [cfn_lint, "--ignore-checks", "W3005", "--", template_file]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_config_yml_reaches_the_functions(resources):
    for function in functions(resources).values():
        variables = function["Environment"]["Variables"]
        plain = {name: value for name, value in variables.items() if not isinstance(value, dict)}
        read = Settings.from_env({**plain, "BUCKET_NAME": "own", "EXTRA_BUCKETS": ""})
        assert read == Settings(
            own_bucket="own",
            buckets=frozenset({"own"}),
            image_size=CONFIG["image"]["size"],
            image_max_bytes=CONFIG["image"]["max_bytes"],
            image_max_pixels=CONFIG["image"]["max_pixels"],
            endpoint_name=f"{CONFIG['service']}-dev",
            threshold=CONFIG["threshold"],
        )
        assert variables["BUCKET_NAME"] == {"Ref": "Bucket"}
        assert variables["EXTRA_BUCKETS"] == ",".join(CONFIG["extra_buckets"])


def test_a_slow_service_is_reported_before_the_function_and_the_task_time_out(resources):
    attempts = CLIENT_CONFIG["retries"]["total_max_attempts"]
    longest_back_off = 1
    patience = CLIENT_CONFIG["connect_timeout"] + CLIENT_CONFIG["read_timeout"] + longest_back_off
    timeouts = [function["Timeout"] for function in functions(resources).values()]
    tasks = [state["TimeoutSeconds"] for state in image_states(resources, "ClassifyStateMachine")]
    assert attempts * patience < min(timeouts + tasks)
    alarm = CONFIG["alarms"]["endpoint_latency_milliseconds"]
    assert alarm < CLIENT_CONFIG["read_timeout"] * 1000


def test_a_batch_may_take_as_long_as_its_functions_may(resources):
    of = functions(resources)
    names = ("serializeImageData", "classifyImage", "filterLowConfidence")
    tasks = image_states(resources, "ClassifyBulkStateMachine")
    for name, task in zip(names, tasks, strict=True):
        assert of[name]["Timeout"] < task["TimeoutSeconds"]
    assert sum(task["TimeoutSeconds"] for task in tasks) < EXPRESS_SECONDS


def test_the_bucket_is_private_and_outlives_the_stack(resources):
    bucket = resources["Bucket"]
    for kept in (bucket, resources["BucketPolicy"]):
        assert kept["DeletionPolicy"] == "RetainExceptOnCreate"
        assert kept["UpdateReplacePolicy"] == "Retain"
    assert "BucketName" not in bucket["Properties"]
    assert set(bucket["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}


def test_logs_end_after_a_time_and_hold_no_images(resources):
    groups = of_type(resources, "AWS::Logs::LogGroup").values()
    assert all("RetentionInDays" in group for group in groups)
    for machine in ("ClassifyStateMachine", "ClassifyBulkStateMachine"):
        logging = resources[machine]["Properties"]["LoggingConfiguration"]
        assert logging["IncludeExecutionData"] is False


def test_every_alarm_reaches_people_and_what_tells_them_has_alarms_of_its_own(resources):
    """Whoever sends the messages is the one whose failure no message tells of."""
    alarms = of_type(resources, "AWS::CloudWatch::Alarm").values()
    assert all(alarm["AlarmActions"] == [{"Ref": "Topic"}] for alarm in alarms)
    [policy] = of_type(resources, "AWS::SNS::TopicPolicy").values()
    [statement] = policy["PolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert (statement["Action"], statement["Resource"]) == ("sns:Publish", {"Ref": "Topic"})
    looked_at = {
        (alarm["Namespace"], alarm["MetricName"], alarm["Dimensions"][0]["Value"].get("Ref"))
        for alarm in alarms
        if "Dimensions" in alarm and isinstance(alarm["Dimensions"][0]["Value"], dict)
    }
    rules = of_type(resources, "AWS::Events::Rule")
    assert looked_at >= {("AWS/Events", "FailedInvocations", rule) for rule in rules}
    notify = {metric for _, metric, resource in looked_at if resource == "NotifyStateMachine"}
    assert notify == {"ExecutionsFailed", "ExecutionsTimedOut"}


def test_the_dashboard_shows_every_alarm_and_names_no_resource_that_is_not_there(resources):
    [dashboard] = of_type(resources, "AWS::CloudWatch::Dashboard").values()
    text, names = dashboard["DashboardBody"]["Fn::Sub"]
    body = json.loads(text)
    [shown] = [w["properties"]["alarms"] for w in body["widgets"] if w["type"] == "alarm"]
    alarms = of_type(resources, "AWS::CloudWatch::Alarm")
    assert set(shown) == {f"${{{name}.Arn}}" for name in alarms}
    used = {name.split(".")[0] for name in re.findall(r"\$\{([^}]+)\}", text)}
    assert used <= set(resources) | set(names) | {"AWS::Region"}
