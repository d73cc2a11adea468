"""The part of a person's shell that reaches the programs started here.

A shell may hold anything: other projects' Python paths, npm's production mode, a profile of AWS.
`clean` keeps what is known to be needed and adds what keeps tools quiet and in this folder.

Of the settings of pip and npm, those that say where packages come from are kept (index, proxy,
certificates, constraints); those that say where packages go and how they are installed are not.
"""

import ast
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from local import paths

CACHE = paths.FOLDER / ".cache"

# What programs need of this machine: where libraries lie, and how NumPy and PyTorch compute, as
# some processors need another kernel than they would choose.
MACHINE = (
    *("LD_LIBRARY_PATH", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"),
    *("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA"),
)
_KEPT = {
    *("PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", *MACHINE),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    *("NODE_EXTRA_CA_CERTS", "PIP_CONFIG_FILE", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS"),
}
# Managers of interpreters, whose `python3` asks these variables which one to run.
_KEPT_PREFIXES = ("LC_", "PYENV_", "UV_PYTHON", "ASDF_", "MISE_")

_PIP_SOURCES = {
    *("index-url", "extra-index-url", "no-index", "find-links", "trusted-host", "constraint"),
    *("build-constraint", "proxy", "cert", "client-cert", "keyring-provider", "use-feature"),
    *("timeout", "default-timeout", "retries"),
}
_NPM_SOURCES = {
    *("registry", "proxy", "https-proxy", "noproxy", "ca", "cafile", "cert", "key", "strict-ssl"),
    *("userconfig", "globalconfig", "-auth", "fetch-retries", "fetch-timeout", "maxsockets"),
}
# Variables that can lead tools astray, also in a shell that keeps all the others.
_MISLEADING = re.compile(
    r"(AWS|PIP|NODE|NPM_CONFIG|SLS|SERVERLESS|SAGEMAKER|SM|LAMBDA)_.*|PYTHON.*|HTTPS_CA(FILE)?"
    r"|proxy|ca|cafile",
    re.IGNORECASE,
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

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


def clean(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment of a process that is started here, made of a person's."""
    temporary = CACHE / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    return {name: value for name, value in environ.items() if _is_kept(name)} | {
        **QUIET,
        "PYTHONNOUSERSITE": "1",
        "PYTHONUTF8": "1",
        "TMPDIR": str(temporary),
        "XDG_CACHE_HOME": str(CACHE),
    }


def misleading(environ: Mapping[str, str] = os.environ) -> list[str]:
    """The variables that a shell must be without to talk to the local cloud.

    Each is a name that a shell knows: the names become code that it evaluates.
    """
    names = filter(_NAME.fullmatch, environ)
    return [name for name in names if _MISLEADING.fullmatch(name) and not _is_kept(name)]


def for_pip(python: str | Path) -> dict[str, str]:
    """The environment of a call of this Python's pip.

    pip is asked for its settings, wherever they stand, and gets those of where packages come from
    as variables, in place of its files. Raises SettingsError.
    """
    environment = clean()
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


def _is_kept(name: str) -> bool:
    if name.upper().startswith("PIP_"):
        return name == "PIP_CONFIG_FILE" or name[4:].lower().replace("_", "-") in _PIP_SOURCES
    if name.lower().startswith("npm_config_"):
        setting = name[len("npm_config_") :].lower().replace("_", "-")
        return setting in _NPM_SOURCES or setting.startswith(("@", "//"))
    return name in _KEPT or name.startswith(_KEPT_PREFIXES)
