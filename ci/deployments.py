"""Which deployment a stage runs, and the way back to it.

    python -m ci.deployments current STAGE              # its timestamp; nothing before the first
    python -m ci.deployments roll-back STAGE TIMESTAMP  # `sls rollback`, if a newer one was made

`sls` keeps the template and the archives of the last five deployments, each below a folder that is
named after its time: https://github.com/oss-serverless/osls/blob/4.x/docs/cli-reference/rollback.md
"""

import re
import subprocess
import sys

from service.config import service_name
from service.stack import Cloud, describe_stack
from service.terminal import UserError, explain

FUNCTION = "AWS::Lambda::Function"
TIMESTAMP = re.compile(r"/(\d{13})-\d{4}-\d\d-\d\dT[\d:.]+Z/")


def find_current(cloudformation, stage: str) -> str | None:
    """Return the timestamp of the deployment that the stage's stack has; None before the first.

    Not of the newest in the bucket, which may have failed or have been rolled back.
    """
    name = service_name(stage)
    if describe_stack(cloudformation, name) is None:
        return None
    template = cloudformation.get_template(StackName=name)["TemplateBody"]
    for resource in template["Resources"].values():
        if resource["Type"] == FUNCTION:
            return TIMESTAMP.search(resource["Properties"]["Code"]["S3Key"])[1]
    return None  # the first deployment failed: the stack has its bucket alone


def roll_back(cloudformation, stage: str, timestamp: str) -> None:
    """Go back to the deployment of that time. UserError if there is none or it is the stage's."""
    if not timestamp:
        raise UserError(
            f"{stage} is not rolled back: this was its first deployment, so there is none to go "
            "back to. Mend it by the next push."
        )
    if find_current(cloudformation, stage) == timestamp:
        raise UserError(
            f"{stage} is not rolled back: it runs what it ran before, as no newer deployment was "
            "made. Look at its endpoint and its bucket."
        )
    command = ["sls", "rollback", "--stage", stage, "--timestamp", timestamp]
    if subprocess.run(command).returncode:  # noqa: S603
        raise UserError(f"{stage} is not rolled back: {' '.join(command)} failed, see above.")


def main(command: str, stage: str, *timestamp: str) -> None:
    """Run a command of the module's docstring."""
    cloudformation = Cloud().client("cloudformation")
    if command == "current":
        print(find_current(cloudformation, stage) or "")
    elif command == "roll-back":
        roll_back(cloudformation, stage, *timestamp)
    else:
        raise UserError(f"There is no command {command}.")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Exception as error:
        message = explain(error)
        if message is None:
            raise
        sys.exit(f"error: {message}")
