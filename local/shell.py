"""Which variables of a person's shell reach the programs started here, and which a shell needs."""

import ast
import os
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

from local import paths

CACHE = paths.FOLDER / ".cache"

# What programs need of this machine: where libraries lie, and how NumPy and PyTorch compute, as
# some processors need another kernel than they would choose.
MACHINE = (
    *("LD_LIBRARY_PATH", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"),
    *("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA"),
)

# Settings of where packages come from. Those of where they go and how they are installed could
# leave the functions without theirs.
_PIP_SOURCES = {
    *("index-url", "extra-index-url", "no-index", "find-links", "trusted-host", "constraint"),
    *("build-constraint", "proxy", "cert", "client-cert", "keyring-provider", "use-feature"),
    *("timeout", "default-timeout", "retries"),
}
# Variables that lead AWS's tools, Serverless and Python astray. Whatever calls pip or npm here
# looks after their settings itself. Each is a name that a shell knows: they become code.
_MISLEADING = re.compile(
    r"(?!NODE_EXTRA_CA_CERTS$)(AWS|NODE|SLS|SERVERLESS|SAGEMAKER|SM|LAMBDA)_[a-z0-9_]*"
    r"|PYTHON[a-z0-9_]*|HTTPS_CA(FILE)?|proxy|ca|cafile",
    re.ASCII | re.IGNORECASE,
)

# No tool reports what it does, looks for updates of itself, or writes to the home folder.
QUIET = {
    "DO_NOT_TRACK": "1",
    "IPYTHONDIR": str(CACHE / "ipython"),
    "JUPYTER_CONFIG_DIR": str(CACHE / "jupyter"),
    "JUPYTER_DATA_DIR": str(CACHE / "jupyter"),
    "JUPYTER_RUNTIME_DIR": str(CACHE / "jupyter"),
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MPLCONFIGDIR": str(CACHE / "matplotlib"),
    "NODE_NO_WARNINGS": "1",
    "NO_UPDATE_NOTIFIER": "1",
    "ORT_DISABLE_TELEMETRY": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "SLS_SCHEMA_CACHE_BASE_DIR": str(CACHE),
    "npm_config_cache": str(CACHE / "npm"),
    "npm_config_update_notifier": "false",
}


class SettingsError(Exception):
    """pip cannot read its own settings; the message is pip's."""


def misleading(names: Iterable[str] = os.environ) -> list[str]:
    """The variables that a shell must be without to talk to the local cloud."""
    return list(filter(_MISLEADING.fullmatch, names))


def pip_environment(python: str | Path) -> dict[str, str]:
    """The environment of a call of this Python's pip.

    pip is asked for its settings, wherever they stand, and gets those of where packages come from
    as variables, in place of its files. Raises SettingsError.
    """
    temporary = CACHE / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if _reaches_pip(name)}
    environment = kept | QUIET | {"TMPDIR": str(temporary), "XDG_CACHE_HOME": str(CACHE)}
    listed = subprocess.run(  # noqa: S603
        [python, "-m", "pip", "config", "list"], env=environment, capture_output=True, text=True
    )
    if listed.returncode:
        raise SettingsError(" ".join(listed.stderr.split())[:500])
    sources: dict[str, str] = {}
    # A command's own section comes before [global], the environment before both.
    for section in ("global", "download", "install", ":env:"):
        for line in listed.stdout.splitlines():
            name, _, value = line.partition("=")
            if name.startswith(f"{section}.") and name[len(section) + 1 :] in _PIP_SOURCES:
                variable = "PIP_" + name[len(section) + 1 :].upper().replace("-", "_")
                sources[variable] = " ".join(ast.literal_eval(value).split())
    own = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_CACHE_DIR": "1", "PIP_NO_INPUT": "1"}
    return environment | sources | own


def _reaches_pip(name: str) -> bool:
    kind, _, setting = name.upper().partition("_")
    is_source = setting.lower().replace("_", "-") in {*_PIP_SOURCES, "config-file"}
    return is_source if kind == "PIP" else not name.startswith("PYTHON")
