"""The environment of every process that the project starts.

A person's shell may hold anything: another project's Python path, npm's production mode, a profile
of AWS. `clean` keeps what is needed, settings of pip and npm that say where packages come from
among it, and adds what keeps tools from telemetry, updates and files outside this folder.
"""

import ast
import contextlib
import fcntl
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
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
    # Read by this project itself.
    *("CIFAR_ARCHIVE", "CHROMIUM", "TORCH_INDEX_URL"),
    # For NumPy and PyTorch: some processors need another kernel than these would choose.
    *("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA"),
}
# Version managers, whose `node` and `python3` read these variables.
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

# Against telemetry, looking for updates, and files in the home folder.
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


class SetupError(Exception):
    """A problem that a person can mend; the message says how, in one line."""


def clean(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment of a process of the project, made from a person's."""
    temporary = CACHE / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    return {name: value for name, value in environ.items() if _is_kept(name)} | {
        **QUIET,
        "PYTHONNOUSERSITE": "1",
        "PYTHONUTF8": "1",
        "TMPDIR": str(temporary),
        "XDG_CACHE_HOME": str(CACHE),
    }


def pip_environment(python: str | Path, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment of a call of this Python's pip.

    pip lists its settings, from all its files; those of where packages come from become variables,
    and its files are not read again. Raises SetupError where pip cannot read them.
    """
    environment = clean(environ)
    command = [python, "-m", "pip", "config", "list"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)  # noqa: S603
    if done.returncode:
        raise SetupError(f"pip cannot read its settings: {' '.join(done.stderr.split())[:500]}")
    sources: dict[str, str] = {}
    # The environment outranks a command's section, which outranks [global].
    for section in ("global", "download", "install", ":env:"):
        for line in done.stdout.splitlines():
            name, _, value = line.partition("=")
            setting = name.removeprefix(f"{section}.")
            if setting != name and setting in _PIP_SOURCES:
                variable = "PIP_" + setting.upper().replace("-", "_")
                sources[variable] = " ".join(ast.literal_eval(value).split())
    own = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_CACHE_DIR": "1", "PIP_NO_INPUT": "1"}
    return environment | sources | own


def only_index(variables: Mapping[str, str], url: str | None = None) -> dict[str, str]:
    """Return pip's environment with one source: this index or, without one, pip's own."""
    others = ("PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX", "PIP_FIND_LINKS")
    rest = {name: value for name, value in variables.items() if name not in others}
    return rest | ({"PIP_INDEX_URL": url} if url else {})


@contextlib.contextmanager
def lock(name: str, when_busy: Callable[[], None]) -> Iterator[None]:
    """Keep others in this folder from the block; where one is in it, call `when_busy` and wait."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            when_busy()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def run(command: Sequence[str | Path], variables: Mapping[str, str], problem: str = "") -> str:
    """Run a command in the repository and return its output. Raises SetupError: problem, reason."""
    done = subprocess.run(  # noqa: S603
        command,
        cwd=REPOSITORY,
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        problem = problem or f"{' '.join(map(str, command[:4]))} … failed"
        raise SetupError(f"{problem}: {reason(done)}")
    return done.stdout


def reason(done: subprocess.CompletedProcess) -> str:
    """Return in one line why a command of pip, npm or Python failed, by its output."""
    lines = [line.strip() for line in (done.stderr or done.stdout or "").splitlines()]
    errors = [line for line in lines if re.match(r"(npm error|npm ERR!|ERROR:)", line)]
    errors = [line for line in errors or lines[-1:] if "complete log of this run" not in line]
    text = " ".join(re.sub(r"^(npm error|npm ERR!|ERROR:) *", "", line) for line in errors)
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
