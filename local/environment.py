"""Environments: the one that a shell needs to talk to the local cloud, and the bare one it runs in.

With IAM enforced, MiniStack lets the access key `test` act as the account's root user; every other
key must be that of a user or role, with policies. Root only sets up (deploys, uploads, looks
around): the functions, the state machine and SageMaker act under their own roles.
"""

import os
import shlex
from pathlib import Path

from packaging import tags

from local import interpreter, paths
from local.shell import MACHINE, QUIET, misleading

ACCOUNT = "000000000000"
ACCESS_KEY_ID = "test"
SECRET_ACCESS_KEY = "test"  # noqa: S105 - MiniStack's well-known one, of no use elsewhere

# A cloud of one machine has no regions to choose from: one for whoever talks to it.
REGION = "us-east-1"

# The shell's own variable, not exported, that holds the code which undoes `env`.
UNDO = "SCONES_VEHICLES_SHELL_BEFORE"

# The server's variables from its surroundings. None can name an account or another machine.
_BARE = ("HOME", "LANG", "LC_ALL", "PATH", "TZ", *MACHINE)


def shell_variables(port: int) -> dict[str, str | None]:
    """Variables that point AWS's tools, Serverless and pip at the local cloud; None unsets one."""
    no_proxy = {paths.LOOPBACK, "localhost"}
    for name in ("NO_PROXY", "no_proxy"):
        no_proxy.update(filter(None, os.environ.get(name, "").split(",")))
    return dict.fromkeys(misleading()) | {
        **QUIET,
        **_account(port),
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "SLS_AWS_MONITORING_FREQUENCY": "200",
        "NO_PROXY": ",".join(sorted(no_proxy)),
        "no_proxy": ",".join(sorted(no_proxy)),
        "LAMBDA_LAYER_PYTHON": interpreter.find().version,
        "LAMBDA_LAYER_PLATFORM": ",".join(tags.platform_tags()),
    }


def shell_code(port: int) -> str:
    """Code for a shell that shall talk to the local cloud; it keeps code to undo it (`UNDO`)."""
    variables = shell_variables(port)
    undo = [f"unset {' '.join(variables)}"]
    undo += [_export(name, os.environ[name]) for name in variables if name in os.environ]
    lines = [
        # Only the first time: the second, what is there is the local cloud's.
        f'[ -n "${{{UNDO}:-}}" ] || {UNDO}={shlex.quote("; ".join(undo))}',
        *(_export(name, value) for name, value in variables.items() if value is not None),
        *(f"unset {name}" for name, value in variables.items() if value is None),
    ]
    return "\n".join(lines)


def undo_code(port: int) -> str:
    """Code for a shell that shall be as it was before `shell_code`; does nothing in another shell.

    A child of that shell does not know what was there: it goes without what `shell_code` exports.
    """
    otherwise = ":"
    if paths.loopback_port(os.environ.get("AWS_ENDPOINT_URL", "")) is not None:
        exported = [name for name, value in shell_variables(port).items() if value is not None]
        otherwise = f"unset {' '.join(exported)}"
    return f'eval "${{{UNDO}:-{otherwise}}}"\nunset {UNDO}'


def _export(name: str, value: str) -> str:
    return f"export {name}={shlex.quote(value)}"


def _account(port: int) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": paths.url(port),
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        # If unset, AWS's tools would read the files of the home folder.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def server_environment(port: int, home: Path) -> dict[str, str]:
    """The server's environment: nothing of the shell that could name an account or a proxy."""
    temporary = home / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    return {name: os.environ[name] for name in _BARE if name in os.environ} | {
        **_account(port),
        "AUTH": "true",
        "BIND_HOST": paths.LOOPBACK,
        "GATEWAY_PORT": str(port),
        "MINISTACK_REGION": REGION,
        # AWS's own limit. How many processes there are is bounded elsewhere.
        "LAMBDA_ACCOUNT_CONCURRENCY": "1000",
        # No Docker and no further listeners.
        "DOCKER_HOST": f"unix://{home}/no-docker",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "PERSIST_STATE": "0",
        "S3_DATA_DIR": str(temporary / "s3"),
        "STATE_DIR": str(temporary / "state"),
        "ORT_DISABLE_TELEMETRY": "1",
        "PYTHONPATH": str(paths.FOLDER),
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(temporary),
        # Every image of a batch is a thread that mostly waits.
        "MINISTACK_WORKER_THREADS": "64",
    }
