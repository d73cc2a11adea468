"""Before `sls remove`: refuse while there is an endpoint, and list what stays.

plugins/removal.js runs this.
"""

from service import config, options, terminal
from service.hosting import LOG_GROUP, Hosting
from service.logs import LOG_GROUP as JOBS_LOG_GROUP
from service.stack import OUTPUTS, Cloud, describe_stack, outputs_of


@terminal.command("removal", example="--stage dev")
@options.stage
def main(stage):
    """List what `sls remove` leaves, unless there is an endpoint."""
    cloud = Cloud()
    name = config.service_name(stage)
    if Hosting(cloud.client("sagemaker"), name).describe() is not None:
        raise terminal.UserError(
            f"The endpoint {name} is no part of the stack and would go on to cost. Delete it "
            f"first: python -m scripts.deploy_endpoint --delete --stage {stage}"
        )
    stack = describe_stack(cloud.client("cloudformation"), name) or {}
    # Not find_stack: a stack of an earlier version lacks outputs, but has its bucket.
    if bucket := outputs_of(stack).get(OUTPUTS["bucket"]):
        terminal.print_line("Stays", f"the bucket; aws s3 rb s3://{bucket} --force deletes it")
    terminal.print_line("Stays", f"the log groups {LOG_GROUP}/{name} and {JOBS_LOG_GROUP}")
    terminal.print_line("Stays", "the records of training jobs, which cost nothing")


if __name__ == "__main__":
    terminal.run(main)
