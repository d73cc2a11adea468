"""Lambda: functions under AWS's own Python runtime client, on the interpreter that AWS runs."""

from pathlib import Path

from local.lambda_runtime import invocation
from local.lambda_runtime.environment import Environment


def install(python: Path) -> None:
    """Run python3.N functions on `python`, which has awslambdaric and boto3."""
    Environment.python = python
    invocation.install()
