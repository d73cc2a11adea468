"""State machines behave as on AWS, as far as this service's do."""

import json
import time

import pytest
from botocore.exceptions import ClientError
from ministack.services import stepfunctions as sfn

from local.step_functions import errors
from local.tests.conftest import Metrics, single, task

ECHO = "def handler(event, context): return event"
SLOW = "import time\ndef handler(event, context): time.sleep(event['seconds'])"
# Counts its calls in its own memory: one call at a time, so one environment.
FLAKY = """
    class EndpointThrottled(Exception): pass
    calls = []
    def handler(event, context):
        import time
        calls.append(time.time())
        if len(calls) < event["succeeds_at"]:
            raise EndpointThrottled("later")
        return [round(b - a, 2) for a, b in zip(calls, calls[1:])]
"""


def _caught(function: str, *names: str, **fields) -> dict:
    """A definition that answers "caught" where the task fails with one of these errors."""
    catch = [{"ErrorEquals": list(names), "Next": "Caught"}]
    caught = {"Type": "Pass", "Output": "caught", "End": True}
    return {
        "StartAt": "Try",
        "States": {"Try": task(function, Catch=catch, **fields), "Caught": caught},
    }


def _map(function: str, **fields) -> dict:
    return {
        "Type": "Map",
        "Items": "{% $states.input.items %}",
        "ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, **single(task(function))},
        "End": True,
        **fields,
    }


# --- errors


@pytest.mark.parametrize(
    ("name", "ends"), [("States.ALL", "FAILED"), ("States.DataLimitExceeded", "SUCCEEDED")]
)
def test_only_its_own_name_catches_data_that_is_too_large(workshop, name, ends):
    function = workshop.function("def handler(event, context): return 'x' * 300_000")
    assert workshop.run(_caught(function, name))["status"] == ends


# --- retries


def test_retries_wait_at_most_max_delay_seconds(workshop):
    function = workshop.function(FLAKY)
    retry = {
        "ErrorEquals": ["EndpointThrottled"],
        "MaxAttempts": 5,
        "IntervalSeconds": 1,
        "BackoffRate": 10,
        "MaxDelaySeconds": 1,
    }
    execution = workshop.run(single(task(function, Retry=[retry])), {"succeeds_at": 3})
    waits = json.loads(execution["output"])
    assert [round(wait) for wait in waits] == [1, 1]


@pytest.mark.parametrize(
    ("retrier", "retries", "shortest", "longest"),
    [
        ({"IntervalSeconds": 150}, 0, 150, 150),  # MiniStack's own waits end after a minute
        ({"IntervalSeconds": 3, "BackoffRate": 2}, 2, 12, 12),
        ({"IntervalSeconds": 3, "JitterStrategy": "FULL"}, 2, 0, 12),
        ({"IntervalSeconds": 3, "MaxDelaySeconds": 5, "JitterStrategy": "FULL"}, 2, 0, 5),
    ],
)
def test_retries_wait_longer_each_time_and_with_jitter_at_random(
    monkeypatch, retrier, retries, shortest, longest
):
    waits = []
    monkeypatch.setattr(sfn, "_scaled_sleep", waits.append)
    for _ in range(100):
        taken, _ = errors.find_retrier(lambda *_: (retrier, 0), [retrier], "Error", {0: retries})
        assert taken["IntervalSeconds"] == 0  # it has waited already
    spread = longest - shortest
    assert shortest <= min(waits) <= shortest + spread / 4
    assert longest - spread / 4 <= max(waits) <= longest


# --- time


@pytest.mark.parametrize("ending", ["stop", "time out"])
def test_an_ended_execution_starts_no_further_task_and_keeps_its_status(workshop, session, ending):
    function = workshop.function(SLOW)
    definition = single(_map(function, MaxConcurrency=2))
    if ending == "time out":
        definition["TimeoutSeconds"] = 1
    items = [{"seconds": 0.3}] * 60
    started = workshop.states.start_execution(
        stateMachineArn=workshop.machine(definition), input=json.dumps({"items": items})
    )
    time.sleep(1.5)
    if ending == "stop":
        workshop.states.stop_execution(
            executionArn=started["executionArn"], error="Stopped", cause="by hand"
        )
    ended = {"stop": "ABORTED", "time out": "TIMED_OUT"}[ending]
    assert workshop.wait(started, seconds=5)["status"] == ended
    time.sleep(0.5)  # what was running by then
    calls = _calls(session, function)
    time.sleep(1)
    assert _calls(session, function) == calls < len(items)
    assert workshop.wait(started)["status"] == ended


def _calls(session, function: str) -> int:
    name = function.rsplit(":", 1)[1]
    return Metrics(session).points(f"AWS/Lambda:Invocations|FunctionName={name}", "Sum")["Sum"]


# --- sizes


@pytest.mark.parametrize(("size", "ends"), [(262_000, "SUCCEEDED"), (262_200, "FAILED")])
def test_a_result_may_have_256_kib(workshop, size, ends):
    function = workshop.function(f"def handler(event, context): return 'x' * {size}")
    # The size of the result, wrapping included, and not of what is kept of it.
    execution = workshop.run(single(task(function, Output="kept")))
    assert execution["status"] == ends
    if ends == "FAILED":
        assert execution["error"] == "States.DataLimitExceeded"


def test_a_maps_results_together_may_have_256_kib(workshop):
    function = workshop.function("def handler(event, context): return 'x' * 100_000")
    definition = single(_map(function, MaxConcurrency=3))
    execution = workshop.run(definition, {"items": [1, 2, 3]})
    assert (execution["status"], execution["error"]) == ("FAILED", "States.DataLimitExceeded")


def test_the_input_of_an_execution_is_json_of_at_most_256_kib(workshop):
    machine = workshop.machine(single({"Type": "Pass", "Output": 1, "End": True}))
    with pytest.raises(ClientError, match="less than or equal to 262144"):
        workshop.states.start_execution(stateMachineArn=machine, input=json.dumps("x" * 262_143))
    workshop.states.start_execution(stateMachineArn=machine, input=json.dumps("x" * 262_142))
    with pytest.raises(ClientError, match="InvalidExecutionInput"):
        workshop.states.start_execution(stateMachineArn=machine, input="{")


# --- names


def test_the_name_of_an_execution_is_an_idempotency_key(workshop):
    machine = workshop.machine(single(task(workshop.function(SLOW))))

    def start(seconds: float) -> dict:
        return workshop.states.start_execution(
            stateMachineArn=machine, name="once", input=json.dumps({"seconds": seconds})
        )

    first = start(2)
    again = start(2)
    assert again["executionArn"] == first["executionArn"]
    assert again["startDate"] == first["startDate"]
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        start(3)
    workshop.wait(first)
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        start(2)


def test_the_second_of_an_expression_is_one_of_processor_time(workshop):
    """Six expressions of a quarter of a second, at once in one interpreter."""
    sums = {"Type": "Pass", "Output": "{% $sum([1..15000].($ % 7)) %}", "End": True}
    state = {**_map("", MaxConcurrency=6), "ItemProcessor": single(sums)}
    execution = workshop.run(single(state), {"items": list(range(6))})
    assert execution["status"] == "SUCCEEDED"


def test_an_expression_may_take_a_second(workshop):
    endless = {"Type": "Pass", "Output": "{% $sum([1..1000000].($ % 7)) %}", "End": True}
    execution = workshop.run(single(endless))
    assert execution["error"] == "States.QueryEvaluationError"


# --- the role


def test_a_role_that_may_not_invoke_the_function_fails_the_task(workshop):
    function, other = workshop.function(ECHO), workshop.function(ECHO)
    allowed = ("lambda:InvokeFunction", function)
    assert workshop.run(single(task(function)), {}, allowed)["status"] == "SUCCEEDED"
    execution = workshop.run(single(task(other)), {}, allowed)
    assert execution["error"] == "Lambda.AWSLambdaException"
    assert "lambda:InvokeFunction" in execution["cause"]


def test_a_role_that_may_not_publish_fails_the_task(workshop, session):
    topic = session.client("sns").create_topic(Name=workshop.name())["TopicArn"]
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sns:publish",
        "Arguments": {"TopicArn": topic, "Message": "done"},
        "Output": "{% $states.result.MessageId %}",
        "End": True,
    }
    assert workshop.run(single(state), {}, ("sns:Publish", topic))["status"] == "SUCCEEDED"
    denied = workshop.run(single(state), {}, ("sns:Publish", f"{topic}-other"))
    assert denied["error"] == "SNS.AuthorizationErrorException"


def test_a_task_whose_permission_is_not_checked_is_refused(workshop):
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:s3:listBuckets",
        "Arguments": {},
        "End": True,
    }
    execution = workshop.run(single(state), {}, ("s3:ListAllMyBuckets", "*"))
    assert execution["status"] == "FAILED"
    assert "aws-sdk:s3:listBuckets" in execution["cause"]
