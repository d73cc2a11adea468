"""EventBridge: the role that starts a state machine, and the metrics of rules.

On AWS a target that is a state machine is started under the target's role. AWS/Events counts, by
RuleName, the events that a rule matched and the invocations of its targets, and those among them
that failed for good: there is no such target, the role may not, or the target refuses. Rules of a
bus other than the default one have the dimension EventBusName besides
(docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html).

MiniStack checks no role, records nothing, and an invocation that fails is a line in its log.
"""

import contextvars
import logging
from collections.abc import Callable
from typing import Any

from ministack.core.responses import get_account_id
from ministack.services import eventbridge, lambda_svc, sns, sqs
from ministack.services import stepfunctions as sfn

from local import iam, seams
from local.metrics.recording import record

NAMESPACE = "AWS/Events"
EVENTS, SCHEDULER = "events.amazonaws.com", "scheduler.amazonaws.com"

# Functions that deliver to a target, each with a check that there is one; else they raise.
_DISPATCHERS: dict[str, Callable[[Any], object]] = {
    "_dispatch_to_lambda": lambda arn: lambda_svc._get_func_record_for_ref(arn)[0],
    "_dispatch_to_sqs": lambda arn: sqs._queue_by_arn(str(arn)),
    "_dispatch_to_sns": sns._topic_by_arn_any_scope,
    "_dispatch_to_event_bus": lambda _: True,
    "_dispatch_to_api_destination": lambda _: True,
}

# The targets that have the event of the invocation at hand.
_delivered: contextvars.ContextVar[list[str]] = contextvars.ContextVar("delivered")
_LOG = logging.getLogger(__name__)


def install() -> None:
    """Check roles, and record."""
    seams.replace(eventbridge, "_matches_pattern_view", match)
    seams.replace(eventbridge, "_invoke_target", invoke)
    seams.replace(eventbridge, "_dispatch_to_stepfunctions", start)
    for name, find in _DISPATCHERS.items():
        seams.replace(eventbridge, name, _dispatch_if(find))


def match(original: Callable, pattern: str, view: Any, owner: str = "rule") -> bool:
    """Whether the event matches the pattern; records a match of a rule's pattern."""
    matches = original(pattern, view, owner)
    kind, _, key = owner.partition(" ")
    rule = eventbridge._rules.get(key) if kind == "rule" else None
    if matches and rule:
        _record(rule, "MatchedEvents", "TriggeredRules")
    return matches


def invoke(original: Callable, target: dict, event: dict, rule: dict, view: Any = None) -> None:
    """Invoke the target, a state machine only with a role that may start it; and record it."""
    delivered: list[str] = []
    is_schedule = "FlexibleTimeWindow" in rule  # of EventBridge Scheduler, whose metrics are others
    if _may_start(target, SCHEDULER if is_schedule else EVENTS):
        token = _delivered.set(delivered)
        try:
            original(target, event, rule, view)
        finally:
            _delivered.reset(token)
    if not is_schedule:
        _record(rule, "Invocations", *([] if delivered else ["FailedInvocations"]))


def start(original: Callable, arn: str, payload: str) -> None:
    """Start the state machine; MiniStack takes no notice of a refusal."""
    status, _, body = sfn._start_execution({"stateMachineArn": arn, "input": payload})
    if status < 400:
        _delivered.get().append(arn)
    else:
        _LOG.warning("EventBridge: %s was not started: %s", arn, body)


def _dispatch_if(find: Callable[[Any], object]) -> Callable:
    def dispatch(original: Callable, target: Any, *arguments: Any) -> None:
        """Deliver to the target if there is one."""
        original(target, *arguments)
        if find(target):
            _delivered.get().append(str(target))

    return dispatch


def _may_start(target: dict, service: str) -> bool:
    machine, role = target.get("Arn", ""), target.get("RoleArn", "")
    if machine.split(":")[2:3] != ["states"]:
        return True
    may = iam.trusts(role, service, get_account_id()) and iam.allows(
        role, "events", "states:StartExecution", machine
    )
    if not may:
        _LOG.warning("EventBridge: %s is not delivered to: role %s may not", machine, role)
    return may


def _record(rule: dict, *metrics: str) -> None:
    bus = rule.get("EventBusName", "default")
    dimensions = {"RuleName": rule["Name"]}
    if bus != "default":
        dimensions["EventBusName"] = bus
    record(NAMESPACE, dimensions, dict.fromkeys(metrics, (1, "Count")))
