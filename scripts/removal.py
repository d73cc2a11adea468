"""Before `sls remove`: refuse while there is an endpoint, and list the rest with its cost.

plugins/removal.js runs this, and prints the list once the stack is gone.
"""

import click
from botocore.exceptions import ClientError

from scripts.cost import bill
from service import config, options, terminal
from service.hosting import LOG_GROUP, Hosting
from service.logs import LOG_GROUP as JOBS_LOG_GROUP
from service.scaling import Scaling, delete_endpoint
from service.stack import OUTPUTS, Cloud, describe_stack, outputs_of

HOURS_A_MONTH = 730
MOST_OBJECTS = 100_000  # listing more would take minutes


@terminal.command("removal", example="--stage dev")
@options.stage
@click.option(
    "--delete-endpoint",
    "deletes_endpoint",
    is_flag=True,
    help="delete the endpoint, if there is one",
)
def main(stage, deletes_endpoint):
    """List what `sls remove` leaves, unless there is an endpoint."""
    cloud = Cloud()
    name = config.service_name(stage)
    hosting = Hosting(cloud.client("sagemaker"), name)
    endpoint = hosting.describe()
    if deletes_endpoint:
        delete_endpoint(hosting, Scaling(cloud.client("application-autoscaling"), name))
    elif endpoint is not None:
        raise terminal.UserError(refusal(hosting, endpoint, stage))
    try:
        bucket = find_bucket(cloud.client("cloudformation"), name)
        if bucket:
            lines = list_leftovers(cloud.client("s3"), cloud.client("logs"), bucket, name)
        else:
            # A stack whose creation failed can be removed all the same.
            lines = [f"What stays could not be listed: the stack {name} is gone or has no outputs."]
    except ClientError as error:
        lines = [f"What stays could not be listed: {terminal.explain(error)}"]
    print("\n".join(lines))


def find_bucket(cloudformation, name: str) -> str | None:
    """Return the stack's bucket, or None where the stack is gone or has no such output.

    A stack of an earlier version lacks outputs that `find_stack` requires, but has its bucket.
    """
    stack = describe_stack(cloudformation, name)
    return outputs_of(stack).get(OUTPUTS["bucket"]) if stack else None


def refusal(hosting: Hosting, endpoint: dict, stage: str) -> str:
    """Return why the stack cannot be removed while its endpoint is there, and what to do."""
    count = sum(each["DesiredInstanceCount"] for each in endpoint.get("ProductionVariants", []))
    kind = hosting.instance_type() or config.load()["endpoint"]["instance_type"]
    hourly = bill.load_prices().hourly.get(kind)
    costs = (
        f"some ${hourly * HOURS_A_MONTH * max(count, 1):.0f} a month ({max(count, 1)} x {kind})"
        if hourly
        else f"what {max(count, 1)} x {kind} cost"
    )
    return (
        f"The endpoint {hosting.endpoint} is no part of the stack and would go on, for {costs}. "
        f"Delete it first: python -m scripts.deploy_endpoint --delete --stage {stage}; or with "
        f"the stack: sls remove --stage {stage} --param endpoint=delete"
    )


def list_leftovers(s3, logs, bucket: str, endpoint: str) -> list[str]:
    """Return a line for each resource that `sls remove` leaves, with its cost."""
    count, size = bucket_size(s3, bucket)
    more = "more than " if count >= MOST_OBJECTS else ""
    gigabytes = size / 1e9
    monthly = bill.load_prices().dollars("s3_gb_month", gigabytes)
    return [
        "What stays:",
        f"  the bucket {bucket}: {more}{count:,} objects, {gigabytes:.2f} GB, "
        f"{more}${monthly:.2f} a month; "
        f"aws s3 rb s3://{bucket} --force deletes it",
        *(
            f"  the log group {group}: {megabytes:.1f} MB, "
            + (f"lines go after {days} days" if days else "kept for ever")
            for group, megabytes, days in log_groups(logs, endpoint)
        ),
        "  the training jobs' records: they cost nothing and cannot be deleted",
    ]


def bucket_size(s3, bucket: str) -> tuple[int, int]:
    """Return the number of objects and their bytes; it stops at MOST_OBJECTS."""
    count = size = 0
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        objects = page.get("Contents", [])
        count, size = count + len(objects), size + sum(each["Size"] for each in objects)
        if count >= MOST_OBJECTS:
            break
    return count, size


def log_groups(logs, endpoint: str) -> list[tuple[str, float, int | None]]:
    """Return SageMaker's log groups: name, megabytes, and days that a line is kept (None: ever)."""
    return [
        (name, group.get("storedBytes", 0) / 1e6, group.get("retentionInDays"))
        for name in (f"{LOG_GROUP}/{endpoint}", JOBS_LOG_GROUP)
        for group in logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        if group["logGroupName"] == name
    ]


if __name__ == "__main__":
    terminal.run(main)
