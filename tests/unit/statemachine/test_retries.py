"""Which errors are tried again, and that no batch can hang on them."""

import json

import pytest

from handlers import errors
from tests.unit.statemachine.asl import DEFINITION, FOLDER, ITEM_STATES, STATES

BULK = json.loads((FOLDER / "classify-bulk.asl.json").read_text())["States"]
TASKS = [state for state in ITEM_STATES.values() if state["Type"] == "Task"]
BULK_TASKS = [*BULK["ClassifyBatches"]["ItemProcessor"]["States"].values(), BULK["CountResults"]]
WORTH_A_RETRY = {
    errors.StorageUnavailable,
    errors.EndpointThrottled,
    errors.EndpointUnavailable,
    errors.EndpointTimeout,
}
OF_LAMBDA = {
    "Lambda.TooManyRequestsException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.Unknown",
    "Sandbox.Timedout",
    "States.Timeout",
}


@pytest.mark.parametrize("task", TASKS + BULK_TASKS)
def test_exactly_what_another_try_may_mend_is_tried_again(task):
    retried = {name for retrier in task["Retry"] for name in retrier["ErrorEquals"]}
    assert retried == OF_LAMBDA | {error.__name__ for error in WORTH_A_RETRY}


@pytest.mark.parametrize("task", TASKS + BULK_TASKS)
def test_retries_are_bounded_and_spread(task):
    for retrier in task["Retry"]:
        assert retrier["JitterStrategy"] == "FULL"
        assert retrier["MaxAttempts"] <= 8
    assert task["Retry"][-1]["MaxAttempts"] == 1


def test_a_batch_that_times_out_everywhere_still_ends_with_its_results():
    rounds = 500 / STATES["ClassifyImages"]["MaxConcurrency"]
    hanging = max(task["TimeoutSeconds"] for task in TASKS) * 2 + 2
    assert rounds * hanging < DEFINITION["TimeoutSeconds"]
