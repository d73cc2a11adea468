"""Faults of Lambda that a person or a test asks for."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from local.lambda_runtime.invocation import ENVIRONMENTS
from local.tests.conftest import Metrics, free_port, local, single, task, until

SLOW = "import time\ndef handler(event, context): time.sleep(1)"
ECHO = "def handler(event, context): return event"


@pytest.fixture
def tell(port):
    """A function that runs `python -m local faults` with options and gives what it prints."""

    def tell(*options: str) -> str:
        done = local("faults", *options, port=port)
        assert done.returncode == 0, done.stderr
        return done.stdout

    yield tell
    tell()


@pytest.fixture
def alone(workshop, tell):
    """What other tests have left running has ended: it counts as well."""
    tell("--lambda-concurrency", "1")
    function = workshop.function(ECHO)
    until(lambda: _outcome(workshop, function), lambda error: not error, 30)


@pytest.fixture
def counted(session):
    """A function that gives a function's Invocations, Errors and Throttles."""
    metrics = Metrics(session)

    def counts(function: str) -> dict[str, float]:
        dimension = f"FunctionName={function.rsplit(':', 1)[1]}"
        found = {
            name: metrics.points(f"AWS/Lambda:{name}|{dimension}", "Sum")
            for name in ("Invocations", "Errors", "Throttles")
        }
        return {name: points["Sum"] for name, points in found.items() if points and points["Sum"]}

    return counts


def _outcome(workshop, function: str) -> str:
    """What an invocation comes to: nothing, or the error of the service and the reason."""
    try:
        workshop.invoke(function)
    except ClientError as error:
        return " ".join([error.response["Error"]["Code"], error.response.get("Reason", "")]).strip()
    return ""


def _caught(workshop, function: str) -> list[dict]:
    """What a machine catches that calls the function for two items at once."""
    catch = [
        {"ErrorEquals": ["States.ALL"], "Output": "{% $states.errorOutput %}", "Next": "Caught"}
    ]
    states = {"Try": task(function, Catch=catch), "Caught": {"Type": "Succeed"}}
    each = {"StartAt": "Try", "States": states}
    state = {"Type": "Map", "Items": [1, 2], "ItemProcessor": each, "End": True}
    return json.loads(workshop.run(single(state))["output"])


# --- concurrency


def test_invocations_beyond_the_concurrency_are_throttled_at_once(alone, workshop, tell, counted):
    """All functions count together, and those that wait for an environment too."""
    tell("--lambda-concurrency", str(ENVIRONMENTS + 2))
    busy, other = workshop.function(SLOW), workshop.function(SLOW)
    calls = [busy] * (ENVIRONMENTS + 1) + [other] * 5
    with ThreadPoolExecutor(len(calls)) as pool:
        outcomes = Counter(pool.map(lambda function: _outcome(workshop, function), calls))
    throttled = "TooManyRequestsException ConcurrentInvocationLimitExceeded"
    assert outcomes == {"": ENVIRONMENTS + 2, throttled: 4}
    sums = Counter(counted(busy)) + Counter(counted(other))
    assert sums == {"Invocations": ENVIRONMENTS + 2, "Throttles": 4}


@pytest.mark.parametrize("limit", ["account", "function"])
def test_a_task_beyond_the_concurrency_fails_with_lambdas_name_for_it(
    alone, workshop, tell, counted, limit
):
    function = workshop.function(SLOW)
    if limit == "account":
        tell("--lambda-concurrency", "1")
    else:
        tell()
        workshop.functions.put_function_concurrency(
            FunctionName=function, ReservedConcurrentExecutions=1
        )
    (throttled,) = filter(None, _caught(workshop, function))
    assert throttled["Error"] == "Lambda.TooManyRequestsException"
    assert throttled["Cause"].startswith("Rate Exceeded. (Service: AWSLambda; Status Code: 429; ")
    assert counted(function) == {"Invocations": 1, "Throttles": 1}


# --- failures


def test_an_invocation_that_fails_in_the_service_never_runs(workshop, session, tell, counted):
    tell("--lambda-failures", "100")
    function = workshop.function(ECHO)
    with pytest.raises(workshop.functions.exceptions.ServiceException) as failed:
        workshop.invoke(function)
    assert failed.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    for failure in _caught(workshop, function):
        assert failure["Error"] == "Lambda.ServiceException"
        cause = "ServiceException (Service: AWSLambda; Status Code: 500; "
        assert failure["Cause"].startswith(cause)
    assert counted(function) == {}
    group = f"/aws/lambda/{function.rsplit(':', 1)[1]}"
    groups = session.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert not groups


def test_a_share_of_the_invocations_fails_until_there_are_no_faults_again(workshop, tell):
    tell("--lambda-failures", "50")
    function = workshop.function(ECHO)
    outcomes = {_outcome(workshop, function) for _ in range(60)}  # one run in 2^59 has but one
    assert outcomes == {"", "ServiceException"}
    tell()
    assert not any(_outcome(workshop, function) for _ in range(30))


# --- the command


def test_the_command_prints_what_holds_now(tell):
    assert tell("--lambda-concurrency", "5", "--lambda-failures", "12.5").splitlines() == [
        "Lambda throttles beyond 5 invocations at once",
        "Lambda fails 12.5% of the invocations",
    ]
    assert tell("--lambda-failures", "20") == "Lambda fails 20% of the invocations\n"
    assert tell() == "no faults\n"


def test_faults_need_a_cloud_that_is_up():
    port = free_port()
    refused = local("faults", port=port)
    assert (refused.returncode, refused.stderr) == (1, f"no local cloud on port {port}\n")
