"""EventBridge: the role that starts a state machine, and the metrics of rules.

On AWS a target that is a state machine is started under the target's role. AWS/Events counts, by
RuleName, the invocations of a rule's targets and those among them that failed for good: there is no
such target, the role may not, or the target refuses. MiniStack checks no role, records nothing, and
an invocation that fails is a line in its log. The matches of rules are not counted here either.
"""

import contextvars
import logging
from collections.abc import Callable
from typing import Any

from ministack.services import eventbridge, lambda_svc, sns, sqs
from ministack.services import stepfunctions as sfn

from local import iam, seams
from local.metrics.recording import record

EVENTS, SCHEDULER = "events.amazonaws.com", "scheduler.amazonaws.com"

# The target itself, if it is there, by its service. State machines answer for themselves.
_FIND: dict[str, Callable[[str], object]] = {
    "lambda": lambda arn: lambda_svc._get_func_record_for_ref(arn)[0],
    "sns": sns._topic_by_arn_any_scope,
    "sqs": sqs._queue_by_arn,
}

# Why the state machine of the invocation at hand was not started.
_refusals: contextvars.ContextVar[list[object]] = contextvars.ContextVar("refusals")
_LOG = logging.getLogger(__name__)


@seams.replaces(eventbridge, "_invoke_target")
def invoke(original: Callable, target: dict, event: dict, rule: dict, view: Any = None) -> None:
    """Invoke the target, a state machine only with a role that may start it; and record it."""
    arn, role, refusals = target["Arn"], target.get("RoleArn", ""), []
    kind = arn.split(":")[2]
    is_schedule = "FlexibleTimeWindow" in rule  # of EventBridge Scheduler, whose metrics are others
    _refusals.set(refusals)
    if kind == "states" and not _may_start(role, SCHEDULER if is_schedule else EVENTS, arn):
        refusals.append(f"role {role} may not")
    else:
        original(target, event, rule, view)
    for refusal in refusals:
        _LOG.warning("EventBridge: %s was not started: %s", arn, refusal)
    bus = rule.get("EventBusName", "default")
    if not is_schedule and bus == "default":  # a rule of another bus has one more dimension
        failed = refusals or not _FIND.get(kind, bool)(arn)
        metrics = "Invocations", *(["FailedInvocations"] if failed else [])
        record("AWS/Events", {"RuleName": rule["Name"]}, dict.fromkeys(metrics, (1, "Count")))


@seams.replaces(eventbridge, "_dispatch_to_stepfunctions")
def start(original: Callable, arn: str, payload: str) -> None:
    """Start the state machine; MiniStack takes no notice of a refusal."""
    status, _, body = sfn._start_execution({"stateMachineArn": arn, "input": payload})
    if status >= 400:
        _refusals.get().append(body)


def _may_start(role: str, service: str, machine: str) -> bool:
    return iam.trusts(role, service) and not iam.denial(
        role, "events", "states:StartExecution", machine
    )
