"""Acting as the execution role.

On AWS SageMaker assumes the role that a job or a model names, and reads, writes and logs with it.
The same here: all that is done for a job or an endpoint goes to the local cloud over HTTP, signed
with the role's credentials, so that a role that lacks a permission fails as it does on AWS.

MiniStack lets no service assume a role over HTTP. Its own Lambda registers a session with its STS
directly; so does this, after the role's trust policy has been asked.
"""

import os
import secrets
import threading
from typing import Any

import boto3
from botocore.config import Config
from ministack.core.responses import get_account_id, get_region
from ministack.services import sts

from local.iam import trusts
from local.sagemaker.requests import invalid

SERVICE = "sagemaker.amazonaws.com"
_CONFIG = Config(
    connect_timeout=5,
    read_timeout=60,
    max_pool_connections=20,
    retries={"mode": "standard", "total_max_attempts": 3},
    s3={"addressing_style": "path"},
)


class ExecutionRole:
    """A role that SageMaker has assumed, with clients that sign as it does."""

    def __init__(self, arn: str):
        self.arn = arn
        self.region = get_region()
        key_id = f"ASIA{secrets.token_hex(8).upper()}"
        secret, token = secrets.token_hex(20), secrets.token_hex(64)
        name = arn.rsplit("/", 1)[-1]
        session = {
            "Arn": f"arn:aws:sts::{get_account_id()}:assumed-role/{name}/SageMaker",
            "UserId": f"{name}:SageMaker",
            "SecretAccessKey": secret,
            "SessionToken": token,
        }
        sts.register_session(key_id, session)
        # The variables with which a container finds its credentials, region and endpoint.
        self.environment = {
            "AWS_ACCESS_KEY_ID": key_id,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_SESSION_TOKEN": token,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ENDPOINT_URL": os.environ["AWS_ENDPOINT_URL"],
        }
        self._session = boto3.session.Session(key_id, secret, token, self.region)
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()  # a boto3 session is for one thread at a time

    def client(self, service: str) -> Any:
        """A boto3 client of the local cloud, made once and shared between threads."""
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._session.client(service, config=_CONFIG)
            return self._clients[service]


_assumed: dict[tuple[str, str], ExecutionRole] = {}


def assume(arn: str) -> ExecutionRole:
    """Assume the role; raises ValidationException if it does not exist or trust SageMaker."""
    if not trusts(arn, SERVICE):
        raise invalid(
            f"Could not assume role {arn}. Please ensure that the role exists and allows "
            f"principal '{SERVICE}' to assume the role."
        )
    key = arn, get_region()
    if key not in _assumed:
        _assumed[key] = ExecutionRole(arn)
    return _assumed[key]
