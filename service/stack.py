"""The cloud that the environment names, the deployed stack, executions of its state machines."""

import json
import os
import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

import boto3
from botocore.config import Config

from service.aws_errors import call_unless_refused
from service.config import definition, service_name
from service.terminal import UserError

CONNECT_TIMEOUT_SECONDS = 5
READ_TIMEOUT_SECONDS = 70  # InvokeEndpoint may take 60

LOCAL_REGION = "us-east-1"  # the local cloud has no other
# Matched as text: parsers disagree about the host of an address. plugins/region.js has it too.
_LOOPBACK = re.compile(
    r"https?://(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?/?", re.ASCII | re.IGNORECASE
)

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
        self.address = os.environ.get("AWS_ENDPOINT_URL")
        if self.address and not self.address.startswith(("http://", "https://")):
            raise UserError(
                f"AWS_ENDPOINT_URL is {self.address!r}, which is no http(s) address. "
                'For the local cloud: eval "$(python -m local env)".'
            )
        self.region = _region(self.address)
        self.session = boto3.Session(region_name=self.region)

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


def _region(address: str | None) -> str:
    # plugins/region.js has the same rule for `sls`.
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if not region:
        if is_loopback(address or ""):
            return LOCAL_REGION
        raise UserError(
            "No region is named (a profile's is not used). Run: export AWS_REGION=eu-central-1"
        )
    rule = definition("region")
    if not re.fullmatch(rule["pattern"], region):
        quoted = json.dumps(region, ensure_ascii=False)
        raise UserError(f"{quoted} is no region. Run: export AWS_REGION=eu-central-1")
    if re.match(rule["not"]["pattern"], region):
        raise UserError(
            f"{region} is outside AWS's commercial partition, the only one that this service is "
            "made for"
        )
    return region


def require_loopback(address: str | None) -> None:
    """Raise UserError unless AWS_ENDPOINT_URL's value is a loopback address."""
    if not address:
        raise UserError('AWS_ENDPOINT_URL is not set. Run: eval "$(python -m local env)"')
    if not is_loopback(address):
        raise UserError(
            f"{address!r} is not on this machine's loopback interface. "
            'Run: eval "$(python -m local env)"'
        )


def is_loopback(address: str) -> bool:
    """Whether AWS_ENDPOINT_URL's value is a loopback address."""
    return _LOOPBACK.fullmatch(address) is not None


@dataclass(frozen=True)
class Stack:
    """The outputs of the deployed stack that commands use; roles, state machines and topic as ARNs.

    sagemaker_role: for models and endpoints; training_role: for training jobs.
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
    """Read the outputs of the stage's stack. UserError if it is missing or lacks outputs."""
    name = service_name(stage)
    deploy = f"sls deploy --stage {stage}"
    stack = describe_stack(cloud.client("cloudformation"), name)
    if stack is None:
        raise UserError(f"No stack {name} in {cloud}. Deploy it first: {deploy}")
    outputs = outputs_of(stack)
    missing = [key for key in OUTPUTS.values() if key not in outputs]
    if missing:
        raise UserError(
            f"The stack {name} ({stack['StackStatus']}) has no output {', '.join(missing)}. "
            f"Deploy it again: {deploy}"
        )
    return Stack(**{field: outputs[key] for field, key in OUTPUTS.items()})


def describe_stack(cloudformation, name: str) -> dict | None:
    """Return CloudFormation's description of a stack; None if there is none."""
    answer = call_unless_refused(
        ("does not exist",), cloudformation.describe_stacks, StackName=name
    )
    return answer and answer["Stacks"][0]


def outputs_of(stack: dict) -> dict[str, str]:
    """Return a stack's outputs by their keys."""
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def execution_arn(state_machine: str, name: str) -> str:
    """Return the ARN of the state machine's execution of that name."""
    return f"{state_machine.replace(':stateMachine:', ':execution:', 1)}:{name}"


def start_execution(states, state_machine: str, kind: str, content: dict) -> tuple[str, str]:
    """Start an execution with this input; return its name, which begins with its kind, and ARN."""
    name = f"{kind}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:6]}"
    answer = states.start_execution(
        stateMachineArn=state_machine, name=name, input=json.dumps(content)
    )
    return name, answer["executionArn"]


def find_execution(cloud: Cloud, stage: str, name: str) -> dict:
    """Describe an execution of either state machine by name or ARN. UserError if not just one."""
    arns = [name]
    if not name.startswith("arn:"):
        stack = find_stack(cloud, stage)
        machines = (stack.state_machine, stack.bulk_state_machine)
        arns = [execution_arn(machine, name) for machine in machines]
    answers = [describe_execution(cloud.client("stepfunctions"), arn) for arn in arns]
    executions = [answer for answer in answers if answer is not None]
    if not executions:
        raise UserError(
            f"There is no execution {name} in {cloud}. Step Functions keeps the history of one for "
            "90 days, and none of Express executions. List them: "
            "aws stepfunctions list-executions --state-machine-arn ARN"
        )
    if len(executions) > 1:
        raise UserError(f"Two executions are named {name}. Give an ARN: {' or '.join(arns)}")
    return executions[0]


def elapsed_seconds(execution: dict) -> float:
    """Return the seconds that an execution, or a Map Run, took or has run so far."""
    until = execution.get("stopDate") or datetime.now(UTC)
    return (until - execution["startDate"]).total_seconds()


def describe_execution(states, arn: str) -> dict | None:
    """Return DescribeExecution's answer; None if there is no such execution."""
    missing = ("ExecutionDoesNotExist", "InvalidArn")
    return call_unless_refused(missing, states.describe_execution, executionArn=arn)
