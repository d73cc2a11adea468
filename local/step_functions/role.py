"""The state machine's role.

On AWS every task is a call under the state machine's role, and fails where the role's policies do
not allow it. MiniStack enforces the roles of callers and functions, and runs tasks without asking:
a role that lacks a permission would only show on AWS.

Two kinds of task are checked and run, those that the service has: `lambda:invoke` and
`sns:publish`. Any other is refused rather than run unchecked.
"""

from collections.abc import Callable

from ministack.core.responses import get_account_id, get_region
from ministack.services import stepfunctions as sfn

from local import iam, seams
from local.step_functions import lifetime


def install() -> None:
    """Check the role before each task."""
    seams.replace(sfn, "_invoke_resource", invoke)


def invoke(original: Callable, resource: str, arguments: dict) -> object:
    """The task's result; raises what AWS raises if the role may not."""
    if resource == "arn:aws:states:::lambda:invoke":
        function = _function_arn(arguments.get("FunctionName", ""))
        authorize("lambda:InvokeFunction", function, "Lambda.AWSLambdaException")
    elif resource == "arn:aws:states:::sns:publish":
        topic = arguments.get("TopicArn", "")
        authorize("sns:Publish", topic, "SNS.AuthorizationErrorException")
    else:
        raise sfn._ExecutionError(
            "States.Runtime", f"the local cloud knows no task {resource} (see local/step_functions)"
        )
    return original(resource, arguments)


def authorize(action: str, resource: str, error: str, **context: str) -> None:
    """Raise the error of that name unless the execution's role allows the action.

    `context` has the request's condition keys, as local.iam.allows takes them.
    """
    execution = lifetime.current.get()
    role = arn(execution)
    if not iam.allows(role, execution["name"], action, resource, **context):
        name = role.rsplit("/", 1)[-1]
        raise sfn._ExecutionError(
            error,
            f"User: arn:aws:sts::{get_account_id()}:assumed-role/{name}/{execution['name']} is not "
            f"authorized to perform: {action} on resource: {resource} because no identity-based "
            f"policy allows the {action} action",
        )


def arn(execution: dict) -> str:
    """The ARN of the role of an execution, or of a child of a Distributed Map."""
    return sfn._state_machines[execution["stateMachineArn"].partition("/")[0]]["roleArn"]


def _function_arn(reference: str) -> str:
    if reference.startswith("arn:"):
        return reference
    return f"arn:aws:lambda:{get_region()}:{get_account_id()}:function:{reference}"
