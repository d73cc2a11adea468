"""Executions of state machines, by name or ARN."""

from botocore.exceptions import ClientError


def arn_of(state_machine: str, name: str) -> str:
    """Return the ARN of the state machine's execution of that name."""
    return f"{state_machine.replace(':stateMachine:', ':execution:', 1)}:{name}"


def describe(states, arn: str) -> dict | None:
    """Return what DescribeExecution says, or None where there is no such execution."""
    try:
        return states.describe_execution(executionArn=arn)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("ExecutionDoesNotExist", "InvalidArn"):
            raise
        return None
