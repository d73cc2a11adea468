"""A stack's role, as which CloudFormation makes the stack's resources.

On AWS whoever gives CloudFormation a role needs iam:PassRole for it, and the role must trust
CloudFormation. From then on CloudFormation makes, changes and deletes the stack's resources as that
role, whoever asks it to (docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/
using-iam-servicerole.html). MiniStack ignores the role.

Here the request is refused, and a resource fails for which the role lacks an action. Which actions
an operation takes is what AWS's resource types say of themselves in their schemas (`handlers`:
docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html), less those of
properties that no template here has. Nobody has seen AWS ask for exactly these.
"""

import uuid
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from ministack import app
from ministack.core.responses import get_account_id, get_region
from ministack.services.cloudformation import stacks
from ministack.services.cloudformation.helpers import _error

from local import iam, seams

SERVICE = "cloudformation.amazonaws.com"
SESSION = "AWSCloudFormation"
_GIVE_A_ROLE = ("CreateStack", "UpdateStack", "CreateChangeSet", "DeleteStack")


class Kind(NamedTuple):
    """What a type's resources are called, and the actions that its operations take on them.

    arn: with the name, or the names, of the property `named`; a resource without that property has
    a name that begins with the stack's.
    """

    arn: str
    named: str
    create: str
    update: str
    delete: str
    passes_to: str = ""  # the service that gets the role which the properties name


_KINDS = {
    "AWS::CloudWatch::Alarm": Kind(
        *("arn:aws:cloudwatch:{region}:{account}:alarm:{name}", "AlarmName"),
        "PutMetricAlarm TagResource",
        "PutMetricAlarm TagResource UntagResource",
        "DeleteAlarms",
    ),
    "AWS::CloudWatch::Dashboard": Kind(
        *("arn:aws:cloudwatch::{account}:dashboard/{name}", "DashboardName"),
        "GetDashboard PutDashboard TagResource",
        "ListTagsForResource PutDashboard TagResource UntagResource",
        "DeleteDashboards GetDashboard",
    ),
    "AWS::ECR::Repository": Kind(
        *("arn:aws:ecr:{region}:{account}:repository/{name}", "RepositoryName"),
        "CreateRepository DescribeRepositories PutLifecyclePolicy TagResource",
        "DeleteLifecyclePolicy DescribeRepositories PutImageScanningConfiguration "
        "PutImageTagMutability PutLifecyclePolicy TagResource UntagResource",
        "DeleteRepository",
    ),
    "AWS::Events::Rule": Kind(
        *("arn:aws:events:{region}:{account}:rule/{name}", "Name"),
        "DescribeRule PutRule PutTargets TagResource",
        "DescribeRule PutRule PutTargets RemoveTargets TagResource UntagResource",
        "DeleteRule DescribeRule ListTargetsByRule RemoveTargets",
        passes_to="events.amazonaws.com",
    ),
    "AWS::IAM::ManagedPolicy": Kind(
        *("arn:aws:iam::{account}:policy/{name}", "ManagedPolicyName"),
        "CreatePolicy GetPolicy GetPolicyVersion ListEntitiesForPolicy",
        "CreatePolicyVersion DeletePolicyVersion GetPolicy ListPolicyVersions",
        "DeletePolicy DeletePolicyVersion GetPolicy ListEntitiesForPolicy ListPolicyVersions",
    ),
    "AWS::IAM::Role": Kind(
        *("arn:aws:iam::{account}:role/{name}", "RoleName"),
        "CreateRole GetRole GetRolePolicy PutRolePolicy TagRole UntagRole",
        "DeleteRolePermissionsBoundary DeleteRolePolicy GetRole PutRolePermissionsBoundary "
        "PutRolePolicy TagRole UntagRole UpdateAssumeRolePolicy UpdateRole UpdateRoleDescription",
        "DeleteRole DeleteRolePolicy GetRole ListAttachedRolePolicies ListRolePolicies",
    ),
    "AWS::Lambda::Function": Kind(
        *("arn:aws:lambda:{region}:{account}:function:{name}", "FunctionName"),
        "CreateFunction GetFunction GetFunctionCodeSigningConfig GetFunctionRecursionConfig "
        "GetRuntimeManagementConfig TagResource",
        "GetFunction GetFunctionCodeSigningConfig GetFunctionRecursionConfig "
        "GetRuntimeManagementConfig TagResource UntagResource UpdateFunctionCode "
        "UpdateFunctionConfiguration",
        "DeleteFunction GetFunction",
        passes_to="lambda.amazonaws.com",
    ),
    "AWS::Lambda::LayerVersion": Kind(
        *("arn:aws:lambda:{region}:{account}:layer:{name}", "LayerName"),
        "PublishLayerVersion",
        "PublishLayerVersion",
        "DeleteLayerVersion GetLayerVersion",
    ),
    "AWS::Logs::LogGroup": Kind(
        *("arn:aws:logs:{region}:{account}:log-group:{name}", "LogGroupName"),
        "CreateLogGroup PutRetentionPolicy TagResource",
        "DeleteRetentionPolicy ListTagsForResource PutRetentionPolicy TagResource UntagResource",
        "DeleteLogGroup",
    ),
    "AWS::Logs::MetricFilter": Kind(
        *("arn:aws:logs:{region}:{account}:log-group:{name}", "LogGroupName"),
        "DescribeMetricFilters PutMetricFilter",
        "DescribeMetricFilters PutMetricFilter",
        "DeleteMetricFilter",
    ),
    "AWS::S3::Bucket": Kind(
        *("arn:aws:s3:::{name}", "BucketName"),
        "CreateBucket ListBucket PutBucketNotification PutBucketPublicAccessBlock PutBucketTagging "
        "PutEncryptionConfiguration PutLifecycleConfiguration TagResource",
        "ListBucket PutBucketNotification PutBucketPublicAccessBlock PutBucketTagging "
        "PutEncryptionConfiguration PutLifecycleConfiguration TagResource UntagResource",
        "DeleteBucket ListBucket",
    ),
    "AWS::S3::BucketPolicy": Kind(
        *("arn:aws:s3:::{name}", "Bucket"),
        "GetBucketPolicy PutBucketPolicy",
        "GetBucketPolicy PutBucketPolicy",
        "DeleteBucketPolicy GetBucketPolicy",
    ),
    "AWS::SNS::Topic": Kind(
        *("arn:aws:sns:{region}:{account}:{name}", "TopicName"),
        "CreateTopic GetTopicAttributes TagResource",
        "GetTopicAttributes ListSubscriptionsByTopic ListTagsForResource SetTopicAttributes "
        "TagResource UntagResource",
        "DeleteTopic GetTopicAttributes",
    ),
    "AWS::SNS::TopicPolicy": Kind(
        *("{name}", "Topics"), "SetTopicAttributes", "SetTopicAttributes", "SetTopicAttributes"
    ),
    "AWS::StepFunctions::StateMachine": Kind(
        *("arn:aws:states:{region}:{account}:stateMachine:{name}", "StateMachineName"),
        "CreateStateMachine DescribeStateMachine TagResource",
        "ListTagsForResource TagResource UntagResource UpdateStateMachine",
        "DeleteStateMachine DescribeStateMachine",
        passes_to="states.amazonaws.com",
    ),
}

_roles: dict[str, str] = {}  # by the stack's name


@seams.replaces(app.SERVICE_HANDLERS, "cloudformation")
async def handle(
    original: Callable, method: str, path: str, headers: dict, body: bytes, query: dict
) -> tuple:
    """Answer a request; one that gives a stack a role is checked before."""
    form = parse_qs(body.decode(errors="replace"))
    action, role, stack = (form.get(name, [""])[0] for name in ("Action", "RoleARN", "StackName"))
    if role and action in _GIVE_A_ROLE:
        if refusal := app._enforce_data_plane(
            *("cloudformation", "iam:PassRole", headers, query, str(uuid.uuid4())),
            resource_arn=role,
            named_resource=role,
            service_context={"iam:PassedToService": SERVICE},
        ):
            return refusal
        if not iam.trusts(role, SERVICE):
            return _error("ValidationError", f"Role {role} is invalid or cannot be assumed")
        _roles[stack.split("/")[1] if stack.startswith("arn:") else stack] = role
    elif action == "CreateStack" or form.get("ChangeSetType") == ["CREATE"]:
        _roles.pop(stack, None)
    return await original(method, path, headers, body, query)


@seams.replaces(stacks, "_provision_resource")
def provision(
    original: Callable, kind: str, logical_id: str, properties: dict, stack: str
) -> tuple:
    """Make a resource. Raises ValueError if the stack's role may not."""
    check(kind, "create", logical_id, properties, stack)
    return original(kind, logical_id, properties, stack)


@seams.replaces(stacks, "_update_resource")
def update(
    original: Callable,
    kind: str,
    physical_id: str,
    old: dict,
    new: dict,
    stack: str,
    logical_id: str,
    *rest: Any,
) -> tuple:
    """Change a resource. Raises ValueError if the stack's role may not."""
    if old != new:
        check(kind, "update", logical_id, new, stack)
    return original(kind, physical_id, old, new, stack, logical_id, *rest)


@seams.replaces(stacks, "_delete_resource")
def delete(
    original: Callable, kind: str, physical_id: str, properties: dict, stack: str, logical_id: str
) -> None:
    """Delete a resource. Raises ValueError if the stack's role may not."""
    check(kind, "delete", logical_id, properties, stack)
    original(kind, physical_id, properties, stack, logical_id)


def check(kind: str, operation: str, logical_id: str, properties: dict, stack: str) -> None:
    """Raise ValueError if the stack has a role that lacks an action of the operation."""
    role = _roles.get(stack)
    if role is None:
        return
    if kind not in _KINDS:
        raise ValueError(f"The local cloud does not know which actions {kind} takes of a role.")
    for action, resource, context in needs(_KINDS[kind], operation, logical_id, properties, stack):
        if not iam.allows(role, SESSION, action, resource, **context):
            session = f"{role.replace(':iam:', ':sts:').replace(':role/', ':assumed-role/')}"
            raise ValueError(
                f'Resource handler returned message: "User: {session}/{SESSION} is not authorized '
                f"to perform: {action} on resource: {resource} because no identity-based policy "
                f'allows the {action} action"'
            )


def needs(
    kind: Kind, operation: str, logical_id: str, properties: dict, stack: str
) -> Iterator[tuple[str, str, dict]]:
    """The actions of an operation, each with its resource and with the request's conditions."""
    own_name = f"{stack}-{logical_id}-0123456789AB"
    names = properties.get(kind.named) or (own_name.lower() if ":s3:" in kind.arn else own_name)
    for name in names if isinstance(names, list) else [names]:
        arn = kind.arn.format(region=get_region(), account=get_account_id(), name=name)
        for action in getattr(kind, operation).split():
            yield f"{arn.split(':')[2]}:{action}", arn, {}
    if operation == "delete":
        return
    for archive in (properties.get("Code"), properties.get("Content")):
        if archive and "S3Key" in archive:
            yield "s3:GetObject", f"arn:aws:s3:::{archive['S3Bucket']}/{archive['S3Key']}", {}
    if kind.passes_to:
        for holder in (properties, *properties.get("Targets", [])):
            if role := holder.get("Role") or holder.get("RoleArn"):
                yield "iam:PassRole", role, {"iam:passedtoservice": kind.passes_to}
