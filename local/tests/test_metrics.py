"""Metrics are recorded as AWS records them."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from local import paths
from local.tests.conftest import ACCOUNT, Metrics, single, task, until

ECHO = "def handler(event, context): return event"


@pytest.fixture(scope="module")
def metrics(session):
    return Metrics(session)


def name_of(function: str) -> str:
    return function.rsplit(":", 1)[1]


# --- Lambda


def test_each_invocation_is_recorded_once_whoever_invokes(workshop, metrics, alarm):
    """And sets off an alarm without being asked for."""
    function = workshop.function("def handler(event, context): return 1 / event['by']")
    name = name_of(function)
    state = alarm(
        "AWS/Lambda",
        MetricName="Errors",
        Dimensions=[{"Name": "FunctionName", "Value": name}],
    )
    workshop.invoke(function, {"by": 1})
    workshop.run(single(task(function)), {"by": 0})
    found = {
        metric: metrics.points(f"AWS/Lambda:{metric}|FunctionName={name}", "Sum", "SampleCount")
        for metric in ("Invocations", "Errors", "Throttles")
    }
    assert found == {
        "Invocations": {"Sum": 2, "SampleCount": 2},
        "Errors": {"Sum": 1, "SampleCount": 2},
        "Throttles": {"Sum": 0, "SampleCount": 2},
    }
    until(state, lambda found: found == "ALARM", 10)


def test_invocations_at_once_are_all_recorded(workshop, metrics):
    function = workshop.function(ECHO)
    dimension = f"FunctionName={name_of(function)}"
    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(workshop.invoke, function) for _ in range(60)]
        while not all(call.done() for call in calls):
            metrics.points(f"AWS/Lambda:Invocations|{dimension}", "Sum")
    assert metrics.points(f"AWS/Lambda:Invocations|{dimension}", "Sum") == {"Sum": 60}


def test_a_duration_is_that_of_the_handler(workshop, metrics):
    """Neither that of its module, which is loaded as the environment starts, nor the waiting."""
    function = workshop.function("""
        import time
        time.sleep(0.5)
        def handler(event, context): time.sleep(event)
    """)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: workshop.invoke(function, 0.1), range(2)))
    found = metrics.points(
        f"AWS/Lambda:Duration|FunctionName={name_of(function)}", "Minimum", "Maximum"
    )
    assert 100 <= found["Minimum"] <= found["Maximum"] < 450


# --- Step Functions


def test_executions_are_recorded_by_how_they_end(workshop, metrics):
    waiting = {"Type": "Wait", "Seconds": 30, "End": True}
    machines = {
        "ExecutionsSucceeded": workshop.machine(single({"Type": "Succeed"})),
        "ExecutionsFailed": workshop.machine(single({"Type": "Fail", "Error": "Bad"})),
        "ExecutionsAborted": workshop.machine(single(waiting)),
        "ExecutionsTimedOut": workshop.machine(single(waiting, TimeoutSeconds=1)),
    }
    started = {
        metric: workshop.states.start_execution(stateMachineArn=machine)
        for metric, machine in machines.items()
    }
    aborted = started["ExecutionsAborted"]["executionArn"]
    workshop.states.stop_execution(executionArn=aborted)
    for metric, machine in machines.items():
        workshop.wait(started[metric])
        sums = {
            name: metrics.points(f"AWS/States:{name}|StateMachineArn={machine}", "Sum")
            for name in ("ExecutionsStarted", *machines)
        }
        recorded = {name: found for name, found in sums.items() if found}
        assert recorded == {"ExecutionsStarted": {"Sum": 1}, metric: {"Sum": 1}}


# --- EventBridge


@pytest.fixture
def rule(session, workshop, metrics):
    """A function that sends a target an event by a rule of its own.

    It gives the rule's name, and the sums of its invocations and of those that failed.
    """
    events = session.client("events")

    def send(target: dict) -> tuple[str, list]:
        name = workshop.name()
        events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
        events.put_targets(Rule=name, Targets=[{"Id": "target", **target}])
        entry = {"Source": name, "DetailType": "Test", "Detail": '{"a": 1}'}
        events.put_events(Entries=[entry, {**entry, "Source": "another"}])
        metric = f"AWS/Events:{{}}|RuleName={name}"
        names = ("Invocations", "FailedInvocations")
        return name, [metrics.points(metric.format(each), "Sum") for each in names]

    return send


@pytest.fixture
def started(workshop):
    """A machine as a target, with a role that may start any."""
    role = workshop.role("events.amazonaws.com", ("states:StartExecution", "*"))
    return {"Arn": workshop.machine(single({"Type": "Succeed"})), "RoleArn": role}


def test_a_rules_invocations_are_recorded(rule, started, session, workshop):
    queue = session.client("sqs").create_queue(QueueName=workshop.name())["QueueUrl"]
    topic = session.client("sns").create_topic(Name=workshop.name())["TopicArn"]
    queue_arn = topic.replace(":sns:", ":sqs:").rpartition(":")[0] + f":{queue.rsplit('/')[-1]}"
    for target in (started, *({"Arn": arn} for arn in (queue_arn, topic, workshop.function(ECHO)))):
        assert rule(target)[1] == [{"Sum": 1}, None], target


def test_an_invocation_without_a_target_or_that_the_target_refuses_fails(rule, started):
    no_such = [
        {"Arn": f"arn:aws:{kind}:us-east-1:{ACCOUNT}:{path}no-such"}
        for kind, path in (("states", "stateMachine:"), ("lambda", "function:"), ("sns", ""))
    ]
    no_json = {"InputPathsMap": {"a": "$.detail.a"}, "InputTemplate": '{"a": <a>'}
    for target in (*no_such, {"InputTransformer": no_json}):
        assert rule({**started, **target})[1] == [{"Sum": 1}, {"Sum": 1}], target


def test_a_role_that_may_not_start_the_machine_raises_an_alarm(rule, started, workshop, alarm):
    powerless = workshop.role("events.amazonaws.com")
    name, sums = rule({**started, "RoleArn": powerless})
    assert sums == [{"Sum": 1}, {"Sum": 1}]
    dimensions = [{"Name": "RuleName", "Value": name}]
    state = alarm("AWS/Events", MetricName="FailedInvocations", Dimensions=dimensions)
    until(state, lambda found: found == "ALARM", 10)


# --- alarms


@pytest.fixture
def alarm(metrics, workshop):
    """A function that makes an alarm on `Metric` of a namespace of its own; its state."""

    def put(namespace: str, **fields):
        name = workshop.name()
        usual = {
            "AlarmName": name,
            "Namespace": namespace,
            "MetricName": "Metric",
            "Statistic": "Sum",
            "Period": 3600,
            "EvaluationPeriods": 1,
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": 0,
            "TreatMissingData": "notBreaching",
        }
        metrics.client.put_metric_alarm(**usual | fields)
        return lambda: metrics.client.describe_alarms(AlarmNames=[name])["MetricAlarms"][0][
            "StateValue"
        ]

    return put


def put(metrics, namespace: str, *values: float, **dimensions: str) -> None:
    pairs = [{"Name": name, "Value": value} for name, value in dimensions.items()]
    metrics.client.put_metric_data(
        Namespace=namespace,
        MetricData=[{"MetricName": "Metric", "Values": values, "Dimensions": pairs}],
    )


def test_an_alarm_looks_at_its_own_dimensions(metrics, workshop, alarm):
    namespace = workshop.name()
    mine = alarm(namespace, Dimensions=[{"Name": "Stage", "Value": "mine"}])
    put(metrics, namespace, 1, Stage="other")
    put(metrics, namespace, 1)
    assert mine() == "OK"
    put(metrics, namespace, 1, Stage="mine")
    assert mine() == "ALARM"


def test_an_alarm_without_data_is_in_the_state_that_it_asks_for(workshop, alarm):
    states = {
        "notBreaching": "OK",
        "breaching": "ALARM",
        "missing": "INSUFFICIENT_DATA",
        "ignore": "INSUFFICIENT_DATA",
    }
    found = {each: alarm(workshop.name(), TreatMissingData=each)() for each in states}
    assert found == states


def test_an_alarm_ends_when_its_period_has_passed(metrics, workshop, alarm):
    namespace = workshop.name()
    state = alarm(namespace, Period=1)
    put(metrics, namespace, 1)
    assert state() == "ALARM"
    until(state, lambda found: found == "OK", 10)


def test_an_alarm_of_a_percentile(metrics, workshop, alarm):
    namespace = workshop.name()
    low, high = (
        alarm(namespace, Threshold=threshold, ExtendedStatistic="p99") for threshold in (98.5, 99.5)
    )
    put(metrics, namespace, *range(1, 101))
    assert (low(), high()) == ("ALARM", "OK")


ONE = {"Metric": {"Namespace": "Any", "MetricName": "Metric"}, "Period": 60, "Stat": "Sum"}
MATH = [{"Id": "twice", "Expression": "m * 2"}, {"Id": "m", "MetricStat": ONE, "ReturnData": False}]


def test_an_alarm_of_metric_math_says_that_it_is_not_evaluated(metrics, workshop, port):
    """However it comes; it is what SetAlarmState makes it."""
    by_stack, by_api = workshop.name(), workshop.name()
    fields = {
        "Metrics": MATH,
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 0,
        "EvaluationPeriods": 1,
    }
    metrics.client.put_metric_alarm(AlarmName=by_api, **fields)
    alarm = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"AlarmName": by_stack, **fields}}
    workshop.deploy(by_stack, {"Alarm": alarm})
    log = (paths.home(port) / "server.log").read_text()
    for name in (by_stack, by_api):
        (made,) = metrics.client.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        assert "does not evaluate" in made["StateReason"]
        assert [query["Id"] for query in made["Metrics"]] == ["twice", "m"]
        assert log.count(f"alarm {name}: the local cloud does not evaluate") == 1
        metrics.client.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a test")
    time.sleep(2)  # alarms are evaluated every second
    made = metrics.client.describe_alarms(AlarmNames=[by_stack, by_api])["MetricAlarms"]
    assert [alarm["StateValue"] for alarm in made] == ["ALARM", "ALARM"]


# --- log lines


def test_a_metric_filter_says_that_it_counts_nothing_and_json_patterns_are_refused(
    session, workshop, port
):
    logs, name, pattern = session.client("logs"), workshop.name(), "{ $.review = * }"
    logs.create_log_group(logGroupName=name)
    metric = {"metricName": "Metric", "metricNamespace": name, "metricValue": "$.review"}
    names = {"logGroupName": name, "filterName": name}
    logs.put_metric_filter(**names, filterPattern=pattern, metricTransformations=[metric])
    log = (paths.home(port) / "server.log").read_text()
    assert log.count(f"metric filter {name}: the local cloud counts no log lines") == 1
    with pytest.raises(logs.exceptions.InvalidParameterException, match="not emulate"):
        logs.filter_log_events(logGroupName=name, filterPattern=pattern)
