"""The packaged template: what serverless.yml asks for is there."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from handlers.aws import PATIENCE
from handlers.settings import Settings
from tests.infrastructure.conftest import REPOSITORY
from tests.infrastructure.template import aslist, of_type, statements

CONFIG = yaml.safe_load((REPOSITORY / "config.yml").read_text())

EXPRESS_SECONDS = 300
MACHINES = {"ClassifyStateMachine", "ClassifyBulkStateMachine"}


def functions(resources: dict) -> dict:
    """Properties of the functions by the last word of their names, as in serverless.yml."""
    found = of_type(resources, "AWS::Lambda::Function").values()
    return {function["FunctionName"].rsplit("-", 1)[1]: function for function in found}


def rule_for(resources: dict, source: str) -> dict:
    """The one rule on EventBridge's events of that source."""
    rules = of_type(resources, "AWS::Events::Rule").values()
    [rule] = [rule for rule in rules if rule["EventPattern"]["source"] == [source]]
    return rule


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
    attempts = PATIENCE["retries"]["total_max_attempts"]
    longest_back_off = 1
    patience = PATIENCE["connect_timeout"] + PATIENCE["read_timeout"] + longest_back_off
    timeouts = [function["Timeout"] for function in functions(resources).values()]
    tasks = [state["TimeoutSeconds"] for state in image_states(resources, "ClassifyStateMachine")]
    assert attempts * patience < min(timeouts + tasks)


def test_a_batch_may_take_as_long_as_its_functions_may(resources):
    of = functions(resources)
    names = ("serializeImageData", "classifyImage", "filterLowConfidence")
    tasks = image_states(resources, "ClassifyBulkStateMachine")
    for name, task in zip(names, tasks, strict=True):
        assert of[name]["Timeout"] < task["TimeoutSeconds"]
    assert sum(task["TimeoutSeconds"] for task in tasks) < EXPRESS_SECONDS


def test_functions_are_traced_and_log_json(resources):
    for function in functions(resources).values():
        assert function["Runtime"] == "python3.13"
        assert function["TracingConfig"] == {"Mode": "Active"}
        assert function["LoggingConfig"]["LogFormat"] == "JSON"


def test_logs_are_not_kept_for_ever(resources):
    groups = of_type(resources, "AWS::Logs::LogGroup")
    assert len(groups) == 5
    assert {group["RetentionInDays"] for group in groups.values()} == {30}


def test_the_bucket_is_private_encrypted_and_outlives_the_stack(resources):
    bucket = resources["Bucket"]
    for kept in (bucket, resources["BucketPolicy"]):
        assert kept["DeletionPolicy"] == "RetainExceptOnCreate"
        assert kept["UpdateReplacePolicy"] == "Retain"
    properties = bucket["Properties"]
    assert "BucketName" not in properties
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    [encryption] = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    events = properties["NotificationConfiguration"]["EventBridgeConfiguration"]
    assert events == {"EventBridgeEnabled": True}


def test_the_bucket_refuses_what_does_not_come_over_tls(resources):
    [statement] = resources["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == (
        "Deny",
        "*",
        "s3:*",
    )
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert len(statement["Resource"]) == 2


def test_people_are_told_of_every_execution_that_ends_badly(resources):
    rule = rule_for(resources, "aws.states")
    detail = rule["EventPattern"]["detail"]
    assert {machine["Ref"] for machine in detail["stateMachineArn"]} == MACHINES
    assert set(detail["status"]) == {"FAILED", "TIMED_OUT", "ABORTED"}
    [target] = rule["Targets"]
    assert target["Arn"] == {"Ref": "TellPeopleStateMachine"}
    machine = resources["TellPeopleStateMachine"]["Properties"]
    assert machine["StateMachineType"] == "EXPRESS"
    assert {"Ref": "Topic"} in machine["DefinitionString"]["Fn::Sub"][1].values()


def test_the_endpoint_is_slow_before_the_functions_give_up(resources):
    milliseconds = CONFIG["alarms"]["endpoint_latency_milliseconds"]
    assert milliseconds < PATIENCE["read_timeout"] * 1000
    assert resources["EndpointLatencyAlarm"]["Properties"]["Threshold"] == str(milliseconds * 1000)


def test_an_event_that_is_not_delivered_sets_off_an_alarm(resources):
    alarms = of_type(resources, "AWS::CloudWatch::Alarm").values()
    looked_at = [
        alarm["Dimensions"][0]["Value"]["Ref"]
        for alarm in alarms
        if (alarm.get("Namespace"), alarm.get("MetricName")) == ("AWS/Events", "FailedInvocations")
    ]
    assert sorted(looked_at) == sorted(of_type(resources, "AWS::Events::Rule"))


def test_a_message_that_cannot_be_sent_sets_off_an_alarm(resources):
    """Whoever sends the messages is the one whose failure no message tells of."""
    alarms = of_type(resources, "AWS::CloudWatch::Alarm").values()
    metrics = {
        alarm["MetricName"]
        for alarm in alarms
        if alarm.get("Dimensions", [{}])[0].get("Value") == {"Ref": "TellPeopleStateMachine"}
    }
    assert metrics == {"ExecutionsFailed", "ExecutionsTimedOut"}


def test_every_alarm_reaches_people(resources):
    alarms = of_type(resources, "AWS::CloudWatch::Alarm")
    for alarm in alarms.values():
        assert alarm["AlarmActions"] == [{"Ref": "Topic"}]
        assert alarm["TreatMissingData"] == "notBreaching"
        assert len(alarm["AlarmDescription"]) > 50
    [policy] = of_type(resources, "AWS::SNS::TopicPolicy").values()
    [statement] = policy["PolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert (statement["Action"], statement["Resource"]) == ("sns:Publish", {"Ref": "Topic"})


def test_the_dashboard_shows_every_alarm_and_names_no_resource_that_is_not_there(resources):
    [dashboard] = of_type(resources, "AWS::CloudWatch::Dashboard").values()
    text, names = dashboard["DashboardBody"]["Fn::Sub"]
    body = json.loads(text)
    [shown] = [w["properties"]["alarms"] for w in body["widgets"] if w["type"] == "alarm"]
    alarms = of_type(resources, "AWS::CloudWatch::Alarm")
    assert set(shown) == {f"${{{name}.Arn}}" for name in alarms}
    used = {name.split(".")[0] for name in re.findall(r"\$\{([^}]+)\}", text)}
    assert used <= set(resources) | set(names) | {"AWS::Region"}


def test_a_photo_below_incoming_starts_an_execution_with_the_whole_event(resources):
    rule = rule_for(resources, "aws.s3")
    assert rule["EventPattern"]["detail-type"] == ["Object Created"]
    assert rule["EventPattern"]["detail"] == {
        "bucket": {"name": [{"Ref": "Bucket"}]},
        "object": {"key": [{"prefix": "incoming/"}], "size": [{"numeric": [">", 0]}]},
    }
    [target] = rule["Targets"]
    assert target["Arn"] == {"Ref": "ClassifyStateMachine"}
    assert not {"Input", "InputPath", "InputTransformer"} & set(target)
    role = resources[target["RoleArn"]["Fn::GetAtt"][0]]["Properties"]
    [statement] = statements(role)
    assert aslist(statement["Action"]) == ["states:StartExecution"]
    assert aslist(statement["Resource"]) == [{"Ref": "ClassifyStateMachine"}]


@pytest.mark.parametrize(
    ("machine", "role"),
    [
        ("ClassifyStateMachine", "StateMachineRole"),
        ("ClassifyBulkStateMachine", "BulkStateMachineRole"),
    ],
)
def test_state_machines_are_traced_and_their_log_holds_no_image(resources, machine, role):
    machine = resources[machine]["Properties"]
    assert machine["RoleArn"] == {"Fn::GetAtt": [role, "Arn"]}
    assert machine["TracingConfiguration"] == {"Enabled": True}
    logging = machine["LoggingConfiguration"]
    assert (logging["Level"], logging["IncludeExecutionData"]) == ("ERROR", False)
    assert len(logging["Destinations"]) == 1


def test_tasks_call_the_functions_and_nothing_is_left_unresolved(resources):
    called = set()
    for machine in MACHINES:
        text, names = resources[machine]["Properties"]["DefinitionString"]["Fn::Sub"]
        called |= {name["Fn::GetAtt"][0] for name in names.values() if "Fn::GetAtt" in name}
        assert {"Ref": "Bucket"} in names.values()
        assert text.count("${") == sum(text.count("${" + name + "}") for name in names)
    assert called == set(of_type(resources, "AWS::Lambda::Function"))


def test_outputs_are_what_the_scripts_look_for(template_file):
    outputs = json.loads(template_file.read_text())["Outputs"]
    wanted = "BucketName TopicArn ClassifyStateMachineArn SageMakerRoleArn EndpointName"
    more = "TrainingRoleArn MonitoringPolicyArn ServingRepositoryUri"
    assert {*wanted.split(), *more.split()} <= set(outputs)
    assert outputs["EndpointName"]["Value"] == f"{CONFIG['service']}-dev"


def test_the_serving_repository_goes_with_the_stack(resources):
    repository = resources["ServingRepository"]["Properties"]
    assert repository["RepositoryName"] == f"{CONFIG['service']}-dev-serving"
    assert repository["EmptyOnDelete"] is True


def test_dashboards_are_the_accounts_so_their_name_holds_the_region(resources):
    assert resources["Dashboard"]["Properties"]["DashboardName"].endswith("-dev-us-east-1")


def test_at_most_as_many_photos_at_once_as_config_yml_says(resources):
    text = resources["ClassifyStateMachine"]["Properties"]["DefinitionString"]["Fn::Sub"][0]
    [photos] = [s for s in json.loads(text)["States"].values() if s["Type"] == "Map"]
    assert photos["MaxConcurrency"] == CONFIG["classify"]["max_concurrency"]
    for function in functions(resources).values():
        assert "ReservedConcurrentExecutions" not in function
