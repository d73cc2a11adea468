"""Functions run as they do under AWS's own Python runtime."""

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from local import interpreter
from local.tests.conftest import archive


def test_an_exception_keeps_the_name_of_its_class_and_its_environment_lives_on(workshop):
    function = workshop.function("""
        import os
        class THRESHOLD_CONFIDENCE_NOT_MET(Exception): pass
        def handler(event, context):
            if event:
                raise THRESHOLD_CONFIDENCE_NOT_MET("0.5 is below 0.8")
            return os.getpid()
    """)
    before, _ = workshop.invoke(function)
    body, failed = workshop.invoke(function, "fail")
    assert failed
    assert body["errorType"] == "THRESHOLD_CONFIDENCE_NOT_MET"
    assert body["errorMessage"] == "0.5 is below 0.8"
    assert body["stackTrace"]
    assert workshop.invoke(function)[0] == before


def test_a_function_that_takes_more_than_its_memory_is_killed(workshop):
    function = workshop.function(
        """
        import os
        def handler(megabytes, context):
            b"x" * (megabytes * 1_000_000)
            return os.getpid()
    """,
        MemorySize=200,
    )
    before, failed = workshop.invoke(function, 100)
    assert not failed
    body, failed = workshop.invoke(function, 220)
    assert failed
    assert body["errorType"] == "Runtime.ExitError"
    assert "signal: killed" in body["errorMessage"]
    after, failed = workshop.invoke(function, 1)
    assert not failed
    assert after != before


def test_context_and_variables_are_those_of_a_function_and_no_others(workshop):
    function = workshop.function(
        """
        import os, sys
        def handler(event, context):
            return {
                "arn": context.invoked_function_arn,
                "left": context.get_remaining_time_in_millis(),
                "request": context.aws_request_id,
                "python": "%d.%d" % sys.version_info[:2],
                "variables": dict(os.environ),
            }
        """,
        Environment={"Variables": {"OWN": "value"}},
        LoggingConfig={"LogFormat": "JSON"},
        Timeout=10,
        TracingConfig={"Mode": "Active"},
    )
    first, second = workshop.invoke(function)[0], workshop.invoke(function)[0]
    assert first["arn"] == function
    assert 5_000 < first["left"] <= 10_000
    assert first["request"] != second["request"]
    assert first["python"] == interpreter.find().version
    variables = first["variables"]
    assert variables["OWN"] == "value"
    assert variables["AWS_LAMBDA_FUNCTION_NAME"] == function.rsplit(":", 1)[1]
    assert variables["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.13"
    assert variables["AWS_LAMBDA_LOG_FORMAT"] == "JSON"
    assert variables["_X_AMZN_TRACE_ID"].startswith("Root=1-")
    assert {"LAMBDA_TASK_ROOT", "AWS_REGION", "AWS_SESSION_TOKEN"} <= set(variables)
    assert not {"AUTH", "GATEWAY_PORT", "DOCKER_HOST", "PYTHONUNBUFFERED"} & set(variables)


def test_a_function_runs_under_its_role_alone(workshop):
    source = """
        import boto3
        def handler(event, context):
            return boto3.client("s3").list_buckets()["ResponseMetadata"]["HTTPStatusCode"]
    """
    body, failed = workshop.invoke(workshop.function(source))
    assert failed
    assert "AccessDenied" in body["errorMessage"]
    allowed = workshop.function(source, allowed=[("s3:ListAllMyBuckets", "*")])
    assert workshop.invoke(allowed) == (200, False)


def test_layers_come_after_the_functions_own_code(workshop):
    layer = workshop.functions.publish_layer_version(
        LayerName=workshop.name(),
        Content={
            "ZipFile": archive(
                {"python/mine.py": "who = 'layer'", "python/both.py": "who = 'layer'"}
            )
        },
    )["LayerVersionArn"]
    own = archive(
        {
            "both.py": "who = 'function'",
            "app.py": "import mine, both\ndef handler(event, context): return [mine.who, both.who]",
        }
    )
    function = workshop.function("", Layers=[layer], Code={"ZipFile": own})
    assert workshop.invoke(function) == (["layer", "function"], False)


def test_log_lines_are_those_of_their_invocation(workshop, session):
    logs = session.client("logs")
    function = workshop.function("""
        import json
        def handler(event, context):
            for line in range(3):
                print(json.dumps({"event": event, "line": line}))
    """)
    for event in range(5):
        workshop.invoke(function, event)
    found = logs.filter_log_events(logGroupName=f"/aws/lambda/{function.rsplit(':', 1)[1]}")[
        "events"
    ]
    streams = {}
    for event in found:
        if event["message"].startswith("{"):
            line = json.loads(event["message"])
            streams.setdefault(event["logStreamName"], []).append((line["event"], line["line"]))
    assert sorted(streams.values()) == [[(event, line) for line in range(3)] for event in range(5)]


@pytest.mark.proof  # beside other tests it would measure those
def test_a_warm_call_takes_milliseconds(workshop):
    function = workshop.function("def handler(event, context): return event")
    workshop.invoke(function)
    seconds = []
    for _ in range(20):
        started = time.perf_counter()
        workshop.invoke(function)
        seconds.append(time.perf_counter() - started)
    assert sorted(seconds)[10] < 0.035  # MiniStack's own: 50 ms and more


def test_calls_wait_for_a_busy_environment(workshop):
    function = workshop.function("""
        import os, time
        def handler(event, context):
            time.sleep(0.05)
            return os.getpid()
    """)
    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(lambda _: workshop.invoke(function), range(40)))
    assert not any(failed for _, failed in answers)
    assert len({process for process, _ in answers}) <= 2 * os.cpu_count()
