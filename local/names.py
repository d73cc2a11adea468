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


def _check_name(property_: str, service: str, operation: str, member: str) -> Callable:
    def create(original: Callable, logical_id: str, properties: dict, stack: str) -> object:
        name = properties.get(property_)
        if isinstance(name, str):  # else CloudFormation makes one
            model = validation.service_model(service).operation_model(operation)
            path = member[:1].lower() + member[1:]
            shape = model.input_shape.members[member]
            if problems := list(validation.out_of_bounds(shape, name, path)):
                raise ValueError(validation.detected(problems))
        return original(logical_id, properties, stack)

    return create


for _kind, _names in NAMES.items():
    seams.replaces(provisioners._RESOURCE_HANDLERS[_kind], "create")(_check_name(*_names))
