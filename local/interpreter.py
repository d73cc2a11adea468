"""The Python that Lambda functions run on: the one local.yml names, in a venv of its own.

AWS's Python runtime is an interpreter, `awslambdaric` and boto3, and so is the venv. Functions see
nothing of the local cloud's own packages: a dependency missing from the layer is missing here too.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from local import paths, settings
from local.shell import SettingsError, pip_environment

REQUIREMENTS = Path(__file__).with_name("requirements-lambda.txt")


class InterpreterError(Exception):
    """The functions' venv cannot be made; the message says what to do."""


@dataclass(frozen=True)
class Interpreter:
    """A Python for the functions: `wanted` is local.yml's version, `version` the one found."""

    python: Path
    version: str
    wanted: str

    def __str__(self) -> str:
        if self.version == self.wanted:
            return f"python{self.version} ({self.python})"
        return (
            f"python{self.version} ({self.python}), NOT the python{self.wanted} that local.yml"
            f" names: this machine has none. Install python{self.wanted} to run what AWS runs"
        )


def find() -> Interpreter:
    """The interpreter that local.yml names if this machine has it, else this one's own."""
    wanted = settings.read().runtime.removeprefix("python")
    for python in _candidates(wanted):
        if _version(python) == wanted:
            return Interpreter(python, wanted, wanted)
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    return Interpreter(Path(getattr(sys, "_base_executable", sys.executable)), own, wanted)


def prepare(interpreter: Interpreter) -> Path:
    """Make the functions' venv unless it is there; returns its python.

    Raises InterpreterError if pip fails.
    """
    venv = paths.STATE / f"python{interpreter.version}"
    python, done = venv / "bin" / "python", venv / "complete"
    recipe = hashlib.sha256(f"{interpreter.python}\n{REQUIREMENTS.read_text()}".encode())
    paths.STATE.mkdir(exist_ok=True)
    with (paths.STATE / f"python{interpreter.version}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        complete = done.exists() and done.read_text() == recipe.hexdigest()
        if complete and _has_runtime(python):
            return python
        shutil.rmtree(venv, ignore_errors=True)
        _run([interpreter.python, "-I", "-m", "venv", venv])
        try:
            sources = pip_environment(python)
        except SettingsError as error:
            raise InterpreterError(f"pip cannot read its settings: {error}") from error
        _run([python, "-m", "pip", "install", "--quiet", "-r", REQUIREMENTS], sources)
        done.write_text(recipe.hexdigest())
    return python


def _run(command: list, variables: dict[str, str] | None = None) -> None:
    """Run a command of pip or Python; raises InterpreterError with its error, as one line."""
    done = subprocess.run(command, env=variables, capture_output=True, text=True)  # noqa: S603
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or [f"exit {done.returncode}"]
        errors = [line for line in lines if line.startswith("ERROR:")] or lines[-1:]
        raise InterpreterError(f"{' '.join(map(str, command))}: {' '.join(errors)[:500]}")


def _has_runtime(python: Path) -> bool:
    done = subprocess.run(  # noqa: S603
        [python, "-I", "-c", "import awslambdaric, boto3"], capture_output=True
    )
    return done.returncode == 0


def _candidates(version: str) -> Iterator[Path]:
    name = f"python{version}"
    for folder in (*os.get_exec_path(), "/usr/local/bin", "/usr/bin"):
        yield Path(folder) / name
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    uv = Path(os.environ.get("UV_PYTHON_INSTALL_DIR", Path.home() / ".local/share/uv/python"))
    for manager, pattern in ((pyenv, f"{version}*"), (uv, f"cpython-{version}.*")):
        with contextlib.suppress(PermissionError):  # another user's
            yield from sorted(manager.glob(f"{pattern}/bin/{name}"), reverse=True)


def _version(python: Path) -> str | None:
    """The version that the program reports; None for a shim that runs nothing, or no file."""
    if not os.access(python, os.X_OK):
        return None
    code = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run(  # noqa: S603
            [python, "-I", "-c", code], capture_output=True, text=True, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
