"""GitHub's part in OIDC, for a local cloud: the token of a job, and the credentials for it.

python -m tests.ci.github ROLE ENVIRONMENT   # prints NAME=value, a variable a line
"""

import base64
import json
import sys

import boto3
from botocore import UNSIGNED
from botocore.config import Config

from service.config import ROOT, service_name
from tests.integration.service import Service

ISSUER = "https://token.actions.githubusercontent.com"
REPOSITORY = "scones/vehicles"
MINUTE = {"Delay": 1, "MaxAttempts": 60}


def create_roles(account: Service, stage: str, **parameters: str) -> dict[str, str]:
    """Make the roles of ci/roles.yml for a stage, as an administrator does; the stack's outputs."""
    formation, name = account.client("cloudformation"), f"ci-{service_name(stage)}"
    given = {"Repository": REPOSITORY, "Stage": stage, "Provider": "exists"} | parameters
    formation.create_stack(
        StackName=name,
        TemplateBody=(ROOT / "ci" / "roles.yml").read_text(),
        Parameters=[{"ParameterKey": key, "ParameterValue": text} for key, text in given.items()],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    formation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig=MINUTE)
    return account.outputs_of(name)


def assume(sts, role: str, environment: str, **claims: str) -> dict[str, str]:
    """Assume the role as a job of that GitHub environment; the variables with the credentials.

    sts: an unsigned client; claims: those in which the token differs from such a job's.
    """
    subject = f"repo:{REPOSITORY}:environment:{environment}"
    token = {"iss": ISSUER, "aud": "sts.amazonaws.com", "sub": subject} | claims
    parts = (base64.urlsafe_b64encode(json.dumps(each).encode()) for each in ({}, token))
    answer = sts.assume_role_with_web_identity(
        RoleArn=role,
        RoleSessionName="GitHubActions",
        WebIdentityToken=b".".join([*parts, b"signature"]).decode(),
    )["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": answer["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": answer["SecretAccessKey"],
        "AWS_SESSION_TOKEN": answer["SessionToken"],
    }


if __name__ == "__main__":
    client = boto3.client("sts", config=Config(signature_version=UNSIGNED))
    for variable, value in assume(client, *sys.argv[1:]).items():
        print(f"{variable}={value}")
