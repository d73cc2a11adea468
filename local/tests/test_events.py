"""EventBridge's rules: which events they take, and what their targets need."""

import json
import time

import pytest

from local.tests.conftest import single, until

STRANGER = "111122223333"  # another account
EVENTS = "events.amazonaws.com"


@pytest.fixture(scope="module")
def events(session):
    return session.client("events")


@pytest.fixture
def machine(workshop):
    return workshop.machine(single({"Type": "Succeed"}))


@pytest.fixture
def started(workshop, machine):
    """The events that have started the machine."""

    def inputs() -> list[dict]:
        listed = workshop.states.list_executions(stateMachineArn=machine)["executions"]
        executions = [
            workshop.states.describe_execution(executionArn=each["executionArn"]) for each in listed
        ]
        return [json.loads(execution["input"]) for execution in executions]

    return inputs


def test_eventbridge_starts_a_machine_only_with_a_role_of_its_account_that_may(
    events, workshop, machine, started
):
    may = ("states:StartExecution", machine)
    roles = {
        "stranger": workshop.role(EVENTS, may, account=STRANGER),
        "powerless": workshop.role(EVENTS),
        "good": workshop.role(EVENTS, may),
    }
    source = workshop.name()
    for name, role in roles.items():
        rule = f"{source}-{name}"
        pattern = {"source": [source], "detail-type": [name]}
        events.put_rule(Name=rule, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=rule, Targets=[{"Id": "start", "Arn": machine, "RoleArn": role}])
    for name in roles:  # the good one last: by then the others would have arrived
        events.put_events(Entries=[{"Source": source, "DetailType": name, "Detail": "{}"}])
    until(started, bool)
    time.sleep(0.2)
    assert [event["detail-type"] for event in started()] == ["good"]


def test_a_rule_passes_over_objects_without_bytes(session, events, workshop, machine, started):
    s3, name = session.client("s3"), workshop.name()
    s3.create_bucket(Bucket=name)
    notification = {"EventBridgeConfiguration": {}}
    s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration=notification)
    object_pattern = {"key": [{"prefix": "incoming/"}], "size": [{"numeric": [">", 0]}]}
    detail = {"bucket": {"name": [name]}, "object": object_pattern}
    pattern = {"source": ["aws.s3"], "detail-type": ["Object Created"], "detail": detail}
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    role = workshop.role(EVENTS, ("states:StartExecution", machine))
    events.put_targets(Rule=name, Targets=[{"Id": "start", "Arn": machine, "RoleArn": role}])

    s3.put_object(Bucket=name, Key="incoming/", Body=b"")
    s3.put_object(Bucket=name, Key="elsewhere/photo.png", Body=b"pixels")
    s3.put_object(Bucket=name, Key="incoming/photo.png", Body=b"pixels")
    until(started, bool)
    time.sleep(0.2)
    (event,) = started()
    photo = event["detail"]["object"]
    assert (photo["key"], photo["size"]) == ("incoming/photo.png", 6)


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT"])
def test_an_execution_that_ends_badly_is_an_event(events, workshop, machine, started, status):
    bad = {"Type": "Fail"} if status == "FAILED" else {"Type": "Wait", "Seconds": 9, "End": True}
    failing = workshop.machine(single(bad, TimeoutSeconds=1))
    detail = {"status": [status], "stateMachineArn": [failing]}
    rule = workshop.name()
    events.put_rule(
        Name=rule, EventPattern=json.dumps({"source": ["aws.states"], "detail": detail})
    )
    role = workshop.role(EVENTS, ("states:StartExecution", machine))
    events.put_targets(Rule=rule, Targets=[{"Id": "start", "Arn": machine, "RoleArn": role}])
    arn = workshop.states.start_execution(stateMachineArn=failing)["executionArn"]
    (event,) = until(started, bool)
    assert event["detail"]["executionArn"] == arn
