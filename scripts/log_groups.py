"""How long SageMaker's log groups are kept.

SageMaker makes them itself, to keep for ever, as soon as a container prints. They are no resources
of the stack: the one of training jobs belongs to all stages, and those that are there already
could not be made by it.
"""

import contextlib

import yaml

from scripts import config


def keep(logs, group: str) -> None:
    """Make the log group, unless it is there, and have its lines expire as the functions' do."""
    with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
        logs.create_log_group(logGroupName=group)
    logs.put_retention_policy(logGroupName=group, retentionInDays=retention_days())


def retention_days() -> int:
    """Return the retention of the stack's log groups, which is written in serverless.yml."""
    service = yaml.safe_load((config.ROOT / "serverless.yml").read_text())
    return service["provider"]["logRetentionInDays"]
