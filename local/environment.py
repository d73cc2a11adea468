"""Environments: the one that a shell needs to talk to the local cloud, and the bare one it runs in.

With IAM enforced, MiniStack lets the access key `test` act as the account's root user; every other
key must be that of a user or role, with policies. Root only sets up (deploys, uploads, looks
around): the functions, the state machine and SageMaker act under their own roles.
"""

import ipaddress
import os
from pathlib import Path
from urllib.parse import urlsplit

from packaging import tags

from local import paths
from local.interpreter import functions_version

ACCOUNT = "000000000000"
ACCESS_KEY_ID = "test"
SECRET_ACCESS_KEY = "test"  # noqa: S105 - MiniStack's well-known one, of no use elsewhere
LOOPBACK = "127.0.0.1"

# What a process needs of its surroundings, none of which can name an account.
_BARE = ("HOME", "LANG", "LC_ALL", "PATH", "TZ")


class NotLocalError(Exception):
    """An address is not on this machine's loopback interface; the message is one line."""


def require_loopback(address: str | None) -> None:
    """Raise NotLocalError unless the address, as AWS_ENDPOINT_URL holds it, is a loopback one."""
    if not address:
        raise NotLocalError('AWS_ENDPOINT_URL is not set. Run: eval "$(python -m local env)"')
    if not _is_loopback(address):
        raise NotLocalError(
            f"{address!r} is not on this machine's loopback interface. "
            'Run: eval "$(python -m local env)"'
        )


def _is_loopback(address: str) -> bool:
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        return parts.scheme in ("http", "https") and (
            host == "localhost" or ipaddress.ip_address(host).is_loopback
        )
    except ValueError:
        return False


def url(port: int) -> str:
    """The local cloud's address. By number: clients put bucket names before a host's name."""
    return f"http://{LOOPBACK}:{port}"


def region() -> str:
    """The region of the shell, else us-east-1."""
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"


def for_shell(port: int) -> dict[str, str | None]:
    """Variables that point AWS's tools, Serverless and pip at the local cloud; None unsets one."""
    no_proxy = {LOOPBACK, "localhost", *filter(None, os.environ.get("NO_PROXY", "").split(","))}
    foreign = {
        name: None
        for name in os.environ
        if name.startswith(("AWS_ENDPOINT_URL_", "AWS_CONTAINER_CREDENTIALS_"))
    }
    return foreign | {
        "AWS_ENDPOINT_URL": url(port),
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": None,
        "AWS_REGION": region(),
        "AWS_DEFAULT_REGION": region(),
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        "AWS_SESSION_TOKEN": None,
        "AWS_SECURITY_TOKEN": None,
        "AWS_PROFILE": None,
        "AWS_DEFAULT_PROFILE": None,
        "AWS_ROLE_ARN": None,
        "AWS_WEB_IDENTITY_TOKEN_FILE": None,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "SLS_AWS_MONITORING_FREQUENCY": "200",
        "NODE_NO_WARNINGS": "1",
        "NO_PROXY": ",".join(sorted(no_proxy)),
        "no_proxy": ",".join(sorted(no_proxy)),
        "LAMBDA_LAYER_PYTHON": functions_version(),
        "LAMBDA_LAYER_PLATFORM": ",".join(tags.platform_tags()),
    }


def for_server(port: int, home: Path) -> dict[str, str]:
    """All that the server sees: nothing of the shell that could name an account or a proxy."""
    temporary = home / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    return {name: os.environ[name] for name in _BARE if name in os.environ} | {
        "AUTH": "true",
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        # Functions inherit it as theirs.
        "AWS_ENDPOINT_URL": url(port),
        "BIND_HOST": LOOPBACK,
        "GATEWAY_PORT": str(port),
        "MINISTACK_REGION": region(),
        # AWS's own limit. How many processes there are is bounded elsewhere.
        "LAMBDA_ACCOUNT_CONCURRENCY": "1000",
        # No Docker and no further listeners.
        "DOCKER_HOST": f"unix://{home}/no-docker",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "PERSIST_STATE": "0",
        "PYTHONPATH": str(paths.REPOSITORY),
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(temporary),
        # Every image of a batch is a thread that mostly waits.
        "MINISTACK_WORKER_THREADS": "64",
    }
