"""The account that the environment points to, and what the stack in it tells about itself."""

import os
from dataclasses import dataclass

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from scripts.cli import UserError
from scripts.config import service_name

CONNECT_TIMEOUT_SECONDS = 5
READ_TIMEOUT_SECONDS = 70  # InvokeEndpoint may take 60

OUTPUTS = {
    "bucket": "BucketName",
    "sagemaker_role": "SageMakerRoleArn",
    "training_role": "TrainingRoleArn",
    "endpoint": "EndpointName",
    "serving_repository": "ServingRepositoryUri",
    "state_machine": "ClassifyStateMachineArn",
    "bulk_state_machine": "ClassifyBulkStateMachineArn",
    "topic": "TopicArn",
}


class Cloud:
    """A boto3 session with this project's region rule, time-outs and retries."""

    def __init__(self):
        region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        self.session = boto3.Session(region_name=region)
        if self.session.region_name is None:
            self.session = boto3.Session(region_name="us-east-1")
        self.region = self.session.region_name
        self.address = os.environ.get("AWS_ENDPOINT_URL")
        if self.address and not self.address.startswith(("http://", "https://")):
            raise UserError(
                f"AWS_ENDPOINT_URL is {self.address!r}, which is no http(s) address. "
                'For the local cloud: eval "$(python -m local env)".'
            )

    def client(self, service: str, connections: int = 10):
        """Return a client; `connections` is how many threads will use it at once."""
        return self.session.client(
            service,
            config=Config(
                connect_timeout=CONNECT_TIMEOUT_SECONDS,
                read_timeout=READ_TIMEOUT_SECONDS,
                retries={"mode": "standard", "total_max_attempts": 4},
                max_pool_connections=connections,
            ),
        )

    def __str__(self):
        return f"{self.region} at {self.address}" if self.address else self.region


@dataclass(frozen=True)
class Stack:
    """The outputs of the deployed stack that the scripts use.

    sagemaker_role: the ARN of the role of models and endpoints; training_role: of training jobs.
    """

    bucket: str
    sagemaker_role: str
    training_role: str
    endpoint: str
    serving_repository: str
    state_machine: str
    bulk_state_machine: str
    topic: str


def find_stack(cloud: Cloud, stage: str) -> Stack:
    """Read the stage's stack outputs. Raises UserError where there is no usable stack."""
    name = service_name(stage)
    deploy = f"sls deploy --stage {stage}"
    try:
        stack = cloud.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" not in str(error):
            raise
        raise UserError(f"No stack {name} in {cloud}. Deploy it first: {deploy}") from error
    given = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
    missing = [key for key in OUTPUTS.values() if key not in given]
    if missing:
        raise UserError(
            f"The stack {name} ({stack['StackStatus']}) has no output {', '.join(missing)}. "
            f"Deploy it again: {deploy}"
        )
    return Stack(**{field: given[key] for field, key in OUTPUTS.items()})
