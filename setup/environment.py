"""The environment of every process that the project starts.

A person's shell may hold anything: other projects' Python paths, npm's production mode, a profile
of AWS. `clean` keeps what is known to be needed and adds what keeps tools quiet and in the folder
of this project: no telemetry, no search for updates, no file outside.

Of the settings of pip and npm, those that say where packages come from are kept (index, proxy,
certificates, constraints); those that say where packages go and how they are installed are not.
"""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
CACHE = REPOSITORY / ".cache"

_KEPT = {
    *("PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "LD_LIBRARY_PATH"),
    *("TERM", "COLORTERM", "NO_COLOR", "COLUMNS", "LINES", "CI"),
    # Where packages and photos come from.
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    *("NODE_EXTRA_CA_CERTS", "PIP_CONFIG_FILE", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS"),
    # What this project itself reads.
    *("CIFAR_ARCHIVE", "CHROMIUM", "LAYER_INDEX_URL", "TORCH_INDEX_URL"),
    # How NumPy and PyTorch compute: some processors need another kernel than they would choose.
    *("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA"),
}
# Managers of interpreters, whose `node` or `python3` asks these variables which one to run.
_KEPT_PREFIXES = ("LC_", "PYENV_", "UV_PYTHON", "ASDF_", "MISE_", "NVM_", "FNM_", "VOLTA_")

_PIP_SOURCES = {
    *("index-url", "extra-index-url", "no-index", "find-links", "trusted-host", "constraint"),
    *("build-constraint", "proxy", "cert", "client-cert", "keyring-provider", "use-feature"),
    *("timeout", "default-timeout", "retries"),
}
_NPM_SOURCES = {
    *("registry", "proxy", "https-proxy", "noproxy", "ca", "cafile", "cert", "key", "strict-ssl"),
    *("userconfig", "globalconfig", "-auth", "fetch-retries", "fetch-timeout", "maxsockets"),
}

_TRUE = {"1", "t", "true", "y", "yes", "on"}  # as pip reads a setting

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
    """pip cannot read its own settings; the message is what it says."""


def clean(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment of a process of the project, made of a person's."""
    temporary = CACHE / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    return {name: value for name, value in environ.items() if _is_kept(name)} | {
        **QUIET,
        "PYTHONNOUSERSITE": "1",
        "PYTHONUTF8": "1",
        "TMPDIR": str(temporary),
        "XDG_CACHE_HOME": str(CACHE),
    }


def for_pip(python: str | Path, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment of a call of this Python's pip.

    pip is asked for its settings, wherever they stand, and gets those of where packages come from
    as variables, in place of its files. Raises SettingsError.
    """
    environment = clean(environ)
    listed = subprocess.run(  # noqa: S603
        [python, "-m", "pip", "config", "list"],
        env=environment,
        capture_output=True,
        text=True,
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


def only_index(variables: Mapping[str, str], url: str | None) -> dict[str, str]:
    """Return pip's environment with this index, or pip's own for None, and no other source.

    A pip that is set up without an index keeps its links, for None: it has nothing else.
    """
    if not url and variables.get("PIP_NO_INDEX", "").lower() in _TRUE:
        return dict(variables)
    others = ("PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX", "PIP_FIND_LINKS")
    rest = {name: value for name, value in variables.items() if name not in others}
    return rest | ({"PIP_INDEX_URL": url} if url else {})


def for_layer(python: str | Path, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment of a call of pip for the functions' layer: its files have one source.

    That is the index LAYER_INDEX_URL, else pip's own. Raises SettingsError.
    """
    return only_index(for_pip(python, environ), environ.get("LAYER_INDEX_URL"))


def reason(done: subprocess.CompletedProcess) -> str:
    """Return in one line why a command of pip, npm or Python failed, by its output."""
    lines = [line.strip() for line in (done.stderr or done.stdout or "").splitlines()]
    marked = [line for line in lines if re.match(r"(npm error|npm ERR!|ERROR:)", line)]
    told = [line for line in marked or lines[-1:] if "complete log of this run" not in line]
    text = " ".join(re.sub(r"^(npm error|npm ERR!|ERROR:) *", "", line) for line in told)
    return text[:500] or f"exit {done.returncode}"


def _is_kept(name: str) -> bool:
    if name.upper().startswith("PIP_"):
        return name == "PIP_CONFIG_FILE" or name[4:].lower().replace("_", "-") in _PIP_SOURCES
    if name.lower().startswith("npm_config_"):
        setting = name[len("npm_config_") :].lower().replace("_", "-")
        return setting in _NPM_SOURCES or setting.startswith(("@", "//"))
    return name in _KEPT or name.startswith(_KEPT_PREFIXES)


def main() -> None:
    """Replace this process by the command that the arguments name, in a clean environment."""
    os.execvpe(sys.argv[1], sys.argv[1:], clean())  # noqa: S606


if __name__ == "__main__":
    main()
