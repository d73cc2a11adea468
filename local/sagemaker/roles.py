"""Acting as the execution role.

On AWS SageMaker assumes the role that a job or a model names, and reads, writes and logs with it.
The same here: all that is done for a job or an endpoint goes to the local cloud over HTTP, signed
with the role's credentials, so that a role that lacks a permission fails as it does on AWS.

MiniStack lets no service assume a role over HTTP. Its own Lambda registers a session with its STS
directly; so does this, after the role's trust policy has been asked.
"""

import secrets
import threading
from typing import Any

import boto3
from botocore.config import Config
from ministack import app
from ministack.core import iam_evaluator
from ministack.services import sts

from local.iam import trusts
from local.sagemaker.errors import ServiceError, validation_exception
from local.sagemaker.records import Scope

_SERVICE = "sagemaker.amazonaws.com"
_SESSION = "SageMaker"
_CONFIG = Config(
    connect_timeout=5,
    read_timeout=60,
    max_pool_connections=20,
    retries={"mode": "standard", "total_max_attempts": 3},
    s3={"addressing_style": "path"},
)


class ExecutionRole:
    """A role that SageMaker has assumed, with clients that sign as it does."""

    def __init__(self, gateway_url: str, scope: Scope, arn: str):
        self.arn = arn
        self.scope = scope
        self._gateway_url = gateway_url
        self._credentials = _register_session(scope, arn)
        self._session = boto3.session.Session(*self._credentials.values(), region_name=scope.region)
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()  # a boto3 session is for one thread at a time

    def client(self, service: str) -> Any:
        """A boto3 client of the local cloud, made once and shared between threads."""
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._session.client(
                    service, endpoint_url=self._gateway_url, config=_CONFIG
                )
            return self._clients[service]

    def environment(self) -> dict[str, str]:
        """The variables with which a container finds its credentials, region and endpoint."""
        return {
            **self._credentials,
            "AWS_REGION": self.scope.region,
            "AWS_DEFAULT_REGION": self.scope.region,
            "AWS_ENDPOINT_URL": self._gateway_url,
        }


class Roles:
    """The roles assumed so far."""

    def __init__(self, gateway_url: str):
        self._gateway_url = gateway_url
        self._assumed: dict[tuple[Scope, str], ExecutionRole] = {}

    def assume(self, scope: Scope, arn: str) -> ExecutionRole:
        """Assume the role; raises ValidationException if it does not exist or trust SageMaker."""
        if not trusts(arn, _SERVICE, scope.account):
            raise validation_exception(
                f"Could not assume role {arn}. Please ensure that the role exists and allows "
                f"principal '{_SERVICE}' to assume the role."
            )
        if (scope, arn) not in self._assumed:
            self._assumed[scope, arn] = ExecutionRole(self._gateway_url, scope, arn)
        return self._assumed[scope, arn]


def check_pass_role(access_key_id: str, scope: Scope, arn: str) -> None:
    """Raise AccessDeniedException unless the caller may pass the role to SageMaker."""
    if not app.AUTH:
        return
    denied = iam_evaluator.enforce(
        access_key_id,
        "iam:PassRole",
        "iam",
        scope.region,
        resource_arn=arn,
        service_context={"iam:PassedToService": _SERVICE},
    )
    if denied:
        raise ServiceError(
            "AccessDeniedException",
            f"User: {getattr(denied, 'principal_arn', '')} is not authorized to perform: "
            f"iam:PassRole on resource: {arn} because no identity-based policy allows the "
            "iam:PassRole action",
        )


def _register_session(scope: Scope, arn: str) -> dict[str, str]:
    role_name = arn.rsplit("/", 1)[-1]
    credentials = {
        "AWS_ACCESS_KEY_ID": f"ASIA{secrets.token_hex(8).upper()}",
        "AWS_SECRET_ACCESS_KEY": secrets.token_hex(20),
        "AWS_SESSION_TOKEN": secrets.token_hex(64),
    }
    sts.register_session(
        credentials["AWS_ACCESS_KEY_ID"],
        {
            "Arn": f"arn:aws:sts::{scope.account}:assumed-role/{role_name}/{_SESSION}",
            "UserId": f"{role_name}:{_SESSION}",
            "SecretAccessKey": credentials["AWS_SECRET_ACCESS_KEY"],
            "SessionToken": credentials["AWS_SESSION_TOKEN"],
        },
    )
    return credentials
