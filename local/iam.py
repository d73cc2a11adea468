"""IAM's checks that MiniStack does not make.

On AWS a service assumes the role that it is given only if the role's trust policy allows it, under
the conditions that stand there: `aws:SourceAccount` is the account that the service acts for.
MiniStack checks no trust policy for a service. Here Lambda and Step Functions refuse such a role;
EventBridge, CloudFormation and SageMaker call `trusts` themselves.
"""

import functools
import re
from collections.abc import Callable
from typing import Any

from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import error_response_json, get_account_id, get_region
from ministack.services import iam, lambda_svc, s3
from ministack.services import stepfunctions as sfn
from ministack.services.cloudformation import provisioners

from local import seams

# A service, and its refusal of a role that it may not assume.
LAMBDA = (
    "lambda.amazonaws.com",
    "The role defined for the function cannot be assumed by Lambda.",
)
STATES = (
    "states.amazonaws.com",
    "Neither the global service principal states.amazonaws.com, nor the regional one is authorized "
    "to assume the provided role.",
)
_ABSENT = "local:absent"  # the key of a GetObject without an object


def trusts(arn: str, service: str) -> bool:
    """Whether the role exists and lets the service assume it on behalf of this account."""
    if ":role/" not in arn:
        return False
    role = iam._roles.get_scoped(arn.split(":")[4], None, arn.rsplit("/", 1)[-1])
    if not role or role["Arn"] != arn:
        return False
    account = get_account_id()
    context = iam_evaluator.EvalContext(
        principal_arn=service,
        principal_type="Service",
        principal_account=account,
        action="sts:AssumeRole",
        resource_arn=arn,
        region=get_region(),
        service_context={"aws:sourceaccount": account},
    )
    trust_policy = role["AssumeRolePolicyDocument"]
    result = iam_evaluator.evaluate_resource_policy(trust_policy, context, service=service)
    return result.decision == "Allow"


def denial(arn: str, session: str, action: str, resource: str, **context: Any) -> str:
    """AWS's sentence about an action that the role's policies or boundary do not allow, else "".

    `context` has the request's condition keys in lower case, such as `s3:prefix`.
    """
    account, name = arn.split(":")[4], arn.rsplit("/", 1)[-1]
    principal = f"arn:aws:sts::{account}:assumed-role/{name}/{session}"
    request = iam_evaluator.EvalContext(
        principal_arn=principal,
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=get_region(),
        service_context=context,
    )
    policies = iam_evaluator._gather_role_policies(name, account)
    limits = iam_evaluator._permissions_boundary(iam._roles, name, account)
    if iam_evaluator.evaluate(request, policies, *limits).decision == "Allow":
        return ""
    return iam_actions.identity_denial_message(action, principal, resource, False)


def _refuse_by_api(service: str, refusal: str, member: str, code: str) -> Callable:
    def create_or_update(original: Callable, *arguments: Any) -> tuple:
        role = arguments[-1].get(member)
        if role and not trusts(role, service):
            return error_response_json(code, refusal, 400)
        return original(*arguments)

    return create_or_update


def _refuse_in_template(service: str, refusal: str, property_: str) -> Callable:
    def create(original: Callable, logical_id: str, properties: dict, stack: str) -> Any:
        if not trusts(properties.get(property_, ""), service):
            raise ValueError(refusal)
        return original(logical_id, properties, stack)

    return create


_CREATE = provisioners._RESOURCE_HANDLERS
seams.replaces(lambda_svc, "_create_function", "_update_config")(
    _refuse_by_api(*LAMBDA, "Role", "InvalidParameterValueException")
)
seams.replaces(sfn, "_create_state_machine", "_update_state_machine")(
    _refuse_by_api(*STATES, "roleArn", "AccessDeniedException")
)
for _kind, _refusal in (
    ("AWS::Lambda::Function", _refuse_in_template(*LAMBDA, "Role")),
    ("AWS::StepFunctions::StateMachine", _refuse_in_template(*STATES, "RoleArn")),
):
    seams.replaces(_CREATE[_kind], "create")(_refusal)


@seams.replaces(_CREATE["AWS::IAM::Role"], "create", "update")
def role_from_template(original: Callable, *arguments: Any, **options: Any):
    """A role with the boundary of its template; raises ValueError where there is no such policy."""
    # create(logical_id, properties, stack) and update(physical_id, old, new, stack, logical_id)
    properties = next(each for each in reversed(arguments) if isinstance(each, dict))
    boundary = properties.get("PermissionsBoundary")
    if boundary and iam._boundary_policy_error(boundary):
        raise ValueError(f"Scope ARN: {boundary} does not exist or is not attachable.")
    created = original(*arguments, **options)
    iam._roles[created[0]]["PermissionsBoundary"] = boundary
    return created


@seams.replaces(iam_actions, "request_tag_context")
def request_context(
    original: Callable, service: str, action: str, body: bytes, query: dict
) -> dict:
    """The request's condition keys; of PutMetricData the namespace among them."""
    context = original(service, action, body, query)
    if action != "cloudwatch:PutMetricData":
        return context
    return {**context, "cloudwatch:namespace": iam_actions._param(body, query, "Namespace")}


@seams.replaces(iam_actions, "s3_service_context")
def s3_context(original, action, query, path="", headers=None) -> dict:
    """The condition keys of a request of S3; of a GetObject without an object also _ABSENT."""
    context = original(action, query, path, headers)
    bucket, _, key = path.lstrip("/").partition("/")
    absent = bucket in s3._buckets and key not in s3._buckets[bucket]["objects"]
    return {**context, _ABSENT: key} if action == "s3:GetObject" and absent else context


@seams.replaces(iam_evaluator, "enforce")
def enforce(original, key_id, action, service, region, resource_arn="*", service_context=None):
    """None if the request is allowed, else why not.

    S3 reports that an object is missing only to a caller that may list it: ListBucket with the key
    as `s3:prefix` (github.com/ceph/ceph/pull/68577).
    """
    denied = original(key_id, action, service, region, resource_arn, service_context)
    absent = (service_context or {}).get(_ABSENT)
    if denied or absent is None:
        return denied
    bucket = resource_arn.partition("/")[0]
    return original(key_id, "s3:ListBucket", service, region, bucket, {"s3:prefix": absent})


@seams.replaces(iam_evaluator, "_fnmatch_compile")
def compile_wildcards(original: Callable, pattern: str, ignore_case: bool) -> re.Pattern:
    """The pattern that a whole value matches, whatever characters it has."""
    return _over_lines(original(pattern, ignore_case))


@seams.replaces(app, "pin_request_origin")
def pin_origin(original: Callable, source_ip: str, secure_transport: bool) -> None:
    """Keep the request's origin for the conditions of policies (`aws:SecureTransport`).

    It counts as one over TLS, as all are on AWS: what goes over the loopback interface, on which
    alone the local cloud listens, leaves the machine as little.
    """
    original(source_ip, True)


@functools.lru_cache(maxsize=4096)
def _over_lines(compiled: re.Pattern) -> re.Pattern:
    # `.` matches no line break, and `$` before one at the end as well.
    return re.compile(compiled.pattern.removesuffix("$") + r"\Z", compiled.flags | re.DOTALL)
