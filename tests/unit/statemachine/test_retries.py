"""Which errors are tried again, and that no batch can end of its tries."""

import json

import pytest

from handlers import errors
from tests.unit.statemachine.asl import DEFINITION, FOLDER, ITEM_STATES

BULK = json.loads((FOLDER / "classify-bulk.asl.json").read_text())["States"]
TASKS = [state for state in ITEM_STATES.values() if state["Type"] == "Task"]
CHILD = BULK["ClassifyBatches"]["ItemProcessor"]["States"].values()
BULK_TASKS = [*(state for state in CHILD if state["Type"] == "Task"), BULK["CountResults"]]
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
PHOTOS = 500
# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
EVENTS_OF_AN_EXECUTION = 25_000
# MapIterationStarted and -Succeeded; of each of three tasks TaskStateEntered, TaskScheduled,
# TaskStarted, TaskSucceeded (or -Failed) and TaskStateExited; of Review or Failed two.
EVENTS_OF_A_PHOTO = 2 + 3 * 5 + 2
EVENTS_OF_A_FAILED_TRY = 3
EVENTS_OF_THE_REST = 40  # the states around the Map, Notify with all its tries


@pytest.mark.parametrize("task", TASKS + BULK_TASKS)
def test_exactly_what_another_try_may_mend_is_tried_again(task):
    retried = {name for retrier in task["Retry"] for name in retrier["ErrorEquals"]}
    assert retried == OF_LAMBDA | {error.__name__ for error in WORTH_A_RETRY}


def test_a_full_batch_that_fails_at_every_try_fits_into_the_history_of_an_execution():
    # Each retrier counts its tries apart.
    tries = sum(retrier["MaxAttempts"] for task in TASKS for retrier in task["Retry"])
    of_a_photo = EVENTS_OF_A_PHOTO + tries * EVENTS_OF_A_FAILED_TRY
    assert EVENTS_OF_THE_REST + PHOTOS * of_a_photo < EVENTS_OF_AN_EXECUTION


def test_a_full_batch_that_waits_at_every_try_ends_with_its_results():
    """All waits at their longest, and a time-out a task: even one photo at a time."""
    seconds = 0
    for task in TASKS:
        (retrier,) = task["Retry"]
        rates = (retrier["BackoffRate"] ** number for number in range(retrier["MaxAttempts"]))
        seconds += retrier["IntervalSeconds"] * sum(rates) + task["TimeoutSeconds"]
    assert PHOTOS * seconds < DEFINITION["TimeoutSeconds"]
