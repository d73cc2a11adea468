"""A run of `classifyBulk`, whose name follows from what it is to do."""

import hashlib
import json
import uuid
from dataclasses import dataclass

from botocore.exceptions import ClientError

from scripts.bulk import manifest, sources
from service import config, stack, terminal
from service.stack import Cloud, Stack

DIGEST_LENGTH = 32


@dataclass(frozen=True)
class Submission:
    """A run of a manifest's images. existed: it was there, in this status; nothing was started."""

    name: str
    execution_arn: str
    existed: bool
    status: str
    manifest: manifest.Manifest


def submit(
    cloud: Cloud,
    stack: Stack,
    source: str,
    *,
    threshold: float | None = None,
    batch_size: int | None = None,
    tolerated_failure_percentage: float | None = None,
    again: bool = False,
    keep_duplicates: bool = False,
) -> Submission:
    """Start `classifyBulk` on what `source` lists: s3://bucket/prefix, a manifest or a folder.

    The same images with the same options are the same run, unless `again` asks for another. Raises
    UserError for a bad line of a manifest, or where there are no images.
    """
    s3 = cloud.client("s3", connections=sources.UPLOADS_AT_ONCE)
    listed = sources.entries_of(s3, stack.bucket, str(source))
    made = manifest.publish(s3, stack.bucket, listed, keep_duplicates)
    if not made.lines:
        raise terminal.UserError(f"There are no images in {source}.")
    warn_of_buckets(made)
    options = {
        "threshold": None if threshold is None else float(threshold),
        "batch_size": batch_size,
        "tolerated_failure_percentage": tolerated_failure_percentage,
    }
    request = {
        "manifest": {"s3_bucket": stack.bucket, "s3_key": made.key},
        **{name: value for name, value in options.items() if value is not None},
    }
    name = name_of(request, again)
    states = cloud.client("stepfunctions")
    arn, known = start(states, stack.bulk_state_machine, name, request)
    status = known["status"] if known else "RUNNING"
    return Submission(name, arn, known is not None, status, made)


def name_of(request: dict, again: bool = False) -> str:
    """Return the name of the run with this input: the same each time, but for `again`."""
    digest = hashlib.sha256(_input(request).encode()).hexdigest()[:DIGEST_LENGTH]
    return f"bulk-{digest}-{uuid.uuid4().hex[:8]}" if again else f"bulk-{digest}"


def start(states, state_machine: str, name: str, request: dict) -> tuple[str, dict | None]:
    """Start the run unless it exists; return its ARN and, if it existed, its description."""
    arn = stack.execution_arn(state_machine, name)
    # StartExecution answers the same to the first call and to one more while the run goes on.
    known = stack.describe_execution(states, arn)
    if known is None:
        try:
            states.start_execution(stateMachineArn=state_machine, name=name, input=_input(request))
        except ClientError as error:
            if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
                raise
            known = stack.describe_execution(states, arn)
    return arn, known


def warn_of_buckets(made: manifest.Manifest) -> None:
    """Say which of the images the service may not read."""
    closed = sorted(made.elsewhere.keys() - set(config.load()["extra_buckets"]))
    if closed:
        images = sum(made.elsewhere[bucket] for bucket in closed)
        shown = ", ".join(closed[:3]) + (f" and {len(closed) - 3} more" if closed[3:] else "")
        terminal.warn(
            f"{images:,} of {made.submitted:,} images will fail as BucketNotAllowed: the service "
            f"may not read {shown}.",
            "Name what it shall read in extra_buckets of config.yml, and deploy.",
        )


def _input(request: dict) -> str:
    return json.dumps(request, sort_keys=True)
