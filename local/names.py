"""Names that AWS refuses: too long, or of other characters than it takes.

MiniStack takes any name. AWS checks it where a template's resource is made, against the model of
the service that botocore has too.
"""

from collections.abc import Callable

from ministack.services.cloudformation import provisioners

from local import seams
from local.sagemaker import validation

# A resource's property that names it, and the member of an operation that the name goes to.
NAMES = {
    "AWS::IAM::Role": ("RoleName", "iam", "CreateRole", "RoleName"),
    "AWS::ECR::Repository": ("RepositoryName", "ecr", "CreateRepository", "repositoryName"),
    "AWS::CloudWatch::Alarm": ("AlarmName", "cloudwatch", "PutMetricAlarm", "AlarmName"),
    "AWS::Events::Rule": ("Name", "events", "PutRule", "Name"),
    "AWS::StepFunctions::StateMachine": (
        *("StateMachineName", "stepfunctions", "CreateStateMachine", "name"),
    ),
}


def install() -> None:
    """Check the names in templates."""
    for kind, names in NAMES.items():
        seams.replace(provisioners._RESOURCE_HANDLERS[kind], "create", check_name(*names))


def check_name(property_: str, service: str, operation: str, member: str) -> Callable:
    """Fail a template's resource with a name that the operation would not take."""

    def create(original: Callable, logical_id: str, properties: dict, stack: str) -> object:
        model = validation.service_model(service).operation_model(operation).input_shape
        name = properties.get(property_)
        path = member[:1].lower() + member[1:]
        if isinstance(name, str) and (
            problems := list(validation.out_of_bounds(model.members[member], name, path))
        ):
            raise ValueError(validation.detected(problems))
        return original(logical_id, properties, stack)

    return create
