"""A stack's role, as which CloudFormation makes the stack's resources.

On AWS whoever gives CloudFormation a role needs iam:PassRole for it, and the role must trust
CloudFormation. From then on CloudFormation makes, changes and deletes the stack's resources as that
role, whoever asks it to. MiniStack ignores the role. Here the request is refused, and a resource
fails for which the role lacks an action.
"""

import re
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs

import yaml
from ministack import app
from ministack.core.responses import get_account_id, get_region
from ministack.services.cloudformation import stacks
from ministack.services.cloudformation.helpers import _error

from local import iam, seams

SERVICE = "cloudformation.amazonaws.com"
SESSION = "AWSCloudFormation"
_GIVE_A_ROLE = ("CreateStack", "UpdateStack", "CreateChangeSet", "DeleteStack")
# The actions of each resource type.
_KINDS = yaml.safe_load(Path(__file__).with_suffix(".yml").read_text())
_roles: dict[str, str] = {}  # by the stack's name


@seams.replaces(app.SERVICE_HANDLERS, "cloudformation")
async def handle(
    original: Callable, method: str, path: str, headers: dict, body: bytes, query: dict
):
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
def provision(original: Callable, kind: str, name: str, properties: dict, stack: str) -> tuple:
    """Make a resource; `name` is its logical id. Raises ValueError if the stack's role may not."""
    check(kind, "create", name, properties, stack)
    return original(kind, name, properties, stack)


@seams.replaces(stacks, "_update_resource")
def update(original, kind, physical_id, old, new, stack, *rest) -> tuple:
    """Change a resource. Raises ValueError if the stack's role may not."""
    if old != new:
        check(kind, "update", rest[0], new, stack)
    return original(kind, physical_id, old, new, stack, *rest)


@seams.replaces(stacks, "_delete_resource")
def delete(original, kind, physical_id, properties, stack, name) -> None:
    """Delete a resource. Raises ValueError if the stack's role may not."""
    check(kind, "delete", name, properties, stack)
    original(kind, physical_id, properties, stack, name)


def check(kind: str, operation: str, logical_id: str, properties: dict, stack: str) -> None:
    """Raise ValueError if the stack has a role that lacks an action of the operation."""
    role = _roles.get(stack)
    if role is None:
        return
    if kind not in _KINDS:
        raise ValueError(f"The local cloud does not know which actions {kind} takes of a role.")
    for action, resource, context in needs(kind, operation, logical_id, properties, stack):
        if denial := iam.denial(role, SESSION, action, resource, **context):
            raise ValueError(f'Resource handler returned message: "{denial}"')


def needs(
    kind: str, operation: str, logical_id: str, properties: dict, stack: str
) -> Iterator[tuple[str, str, dict]]:
    """The actions of an operation, each with its resource and with the request's conditions."""
    arn, service = _KINDS[kind]["arn"], _KINDS[kind].get("passes_to")
    named = re.search(r"\{([A-Z]\w+)\}", arn)[1]
    own_name = f"{stack}-{logical_id}-0123456789AB"
    names = properties.get(named) or (own_name.lower() if ":s3:" in arn else own_name)
    for name in names if isinstance(names, list) else [names]:
        resource = arn.format(region=get_region(), account=get_account_id(), **{named: name})
        for action in _KINDS[kind][operation].split():
            yield f"{resource.split(':')[2]}:{action}", resource, {}
    if operation == "delete":
        return
    for archive in (properties.get("Code"), properties.get("Content")):
        if archive and "S3Key" in archive:
            yield "s3:GetObject", f"arn:aws:s3:::{archive['S3Bucket']}/{archive['S3Key']}", {}
    for holder in (properties, *properties.get("Targets", [])) if service else ():
        if role := holder.get("Role") or holder.get("RoleArn"):
            yield "iam:PassRole", role, {"iam:passedtoservice": service}
