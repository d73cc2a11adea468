"""Names that AWS refuses: too long, or of other characters than it takes.

MiniStack takes any name. AWS checks it where the resource is made, by its API or in a template,
against the model of the service that botocore has too.
"""

from collections.abc import Callable
from typing import NamedTuple

from ministack.core.responses import error_response_json
from ministack.services import ecr, iam
from ministack.services.cloudformation import provisioners

from local import seams
from local.sagemaker import validation


class Named(NamedTuple):
    """Where the model of a service says what a resource's name may be."""

    service: str
    operation: str
    member: str

    def problem(self, name: object) -> str | None:
        """What AWS says of the name; None where it takes it or makes one itself."""
        if not isinstance(name, str):
            return None
        operation = validation.service_model(self.service).operation_model(self.operation)
        path = self.member[:1].lower() + self.member[1:]
        found = list(
            validation.out_of_bounds(operation.input_shape.members[self.member], name, path)
        )
        return validation.detected(found) if found else None


ROLE = Named("iam", "CreateRole", "RoleName")
REPOSITORY = Named("ecr", "CreateRepository", "repositoryName")
# A resource's kind in a template, and the property that names it.
IN_TEMPLATES = {
    "AWS::IAM::Role": ("RoleName", ROLE),
    "AWS::ECR::Repository": ("RepositoryName", REPOSITORY),
    "AWS::CloudWatch::Alarm": ("AlarmName", Named("cloudwatch", "PutMetricAlarm", "AlarmName")),
    "AWS::Events::Rule": ("Name", Named("events", "PutRule", "Name")),
    "AWS::StepFunctions::StateMachine": (
        "StateMachineName",
        Named("stepfunctions", "CreateStateMachine", "name"),
    ),
}


def install() -> None:
    """Check the names."""
    seams.replace_item(iam._IAM_HANDLERS, "CreateRole", create_role)
    seams.replace(ecr, "_create_repository", create_repository)
    for kind, (name, rule) in IN_TEMPLATES.items():
        handler = provisioners._RESOURCE_HANDLERS[kind]
        seams.replace_item(handler, "create", _checked(name, rule))


def create_role(original: Callable, request: dict) -> tuple:
    """MiniStack's response to CreateRole."""
    if problem := ROLE.problem(iam._p(request, "RoleName")):
        return iam._error(400, "ValidationError", problem)
    return original(request)


def create_repository(original: Callable, request: dict) -> tuple:
    """MiniStack's response to CreateRepository."""
    if problem := REPOSITORY.problem(request.get("repositoryName")):
        return error_response_json("InvalidParameterException", problem, 400)
    return original(request)


def _checked(name: str, rule: Named) -> Callable:
    def create(original: Callable, logical_id: str, properties: dict, stack: str):
        """What CloudFormation makes; raises ValueError, which fails the resource."""
        if problem := rule.problem(properties.get(name)):
            raise ValueError(problem)
        return original(logical_id, properties, stack)

    return create
