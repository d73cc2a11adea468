"""`python -m setup [--tests]`: make .venv and node_modules, unless they are there and complete.

.venv gets the Python that runs this. `--tests` adds the packages of tests, notebook and benchmarks.
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from setup.environment import (
    CACHE,
    REPOSITORY,
    SetupError,
    clean,
    lock,
    only_index,
    pip_environment,
    reason,
    run,
)

VENV = REPOSITORY / ".venv"
MODULES = REPOSITORY / "node_modules"
CONSTRAINTS = REPOSITORY / "constraints.txt"
PROJECT, TESTS = "requirements.txt", "requirements-tests.txt"

# Not .venv's own, which may run this.
BASE = getattr(sys, "_base_executable", sys.executable)

# PyPI's PyTorch for Linux brings gigabytes of CUDA along.
TORCH_INDEX = "https://download.pytorch.org/whl/cpu"


def main(arguments: Sequence[str]) -> int:
    """Set up; return the exit status."""
    files = [PROJECT, TESTS] if "--tests" in arguments else [PROJECT]
    try:
        node, npm = find_node()
        busy = "setup: another set-up of this folder runs: waiting for its end"
        with lock("setup", lambda: print(busy, flush=True)):
            set_up_python(files)
            set_up_node(node, npm)
    except SetupError as error:
        print(f"make: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"make: {error.strerror}: {error.filename}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("make: interrupted; make again goes on with the set-up", file=sys.stderr)
        return 130
    return 0


@contextlib.contextmanager
def step(name: str) -> Iterator[None]:
    """Print the step, and its seconds at the end."""
    print(f"setup: {name} …", flush=True)
    began = time.monotonic()
    yield
    print(f"setup: {name}: {time.monotonic() - began:.0f} s", flush=True)


# Python


def set_up_python(files: Sequence[str]) -> None:
    """Make .venv with the packages of the requirements files. Raises SetupError."""
    digests = {name: digest(name) for name in files}
    version = ".".join(map(str, sys.version_info[:3]))
    state = read_state(VENV)
    if state and state["python"] != version:
        state = None
    installed = state["recipes"] if state else {}
    missing = [name for name in files if installed.get(name) != digests[name]]
    new_state = {"python": version, "folder": str(VENV), "recipes": installed | digests}
    if state and not missing:
        if state["folder"] != str(VENV):  # moved: .venv's scripts hold the old path
            run([BASE, "-I", "-m", "venv", "--without-pip", VENV], clean())
            write_state(VENV, new_state)
        return
    python = VENV / "bin" / "python"
    if state is None:
        with step(f"Python {version}, from {BASE}"):
            if VENV.is_symlink():
                VENV.unlink()
            shutil.rmtree(VENV, ignore_errors=True)
            run([BASE, "-I", "-m", "venv", VENV], clean())
            pip(python, pip_environment(python), read_pin("pip"))
            (VENV / "bin" / "sls").symlink_to("../../node_modules/.bin/sls")
    (VENV / "complete").unlink(missing_ok=True)
    variables = pip_environment(python)
    if PROJECT in missing:
        install_torch(python, variables)
    for name in missing:
        with step(f"packages of {name}"):
            pip(python, variables, "-r", name, "-c", CONSTRAINTS)
    write_state(VENV, new_state)


def install_torch(python: Path, variables: dict[str, str]) -> None:
    """Install PyTorch's CPU build from its own index; else it comes with the requirements."""
    if sys.platform != "linux":
        return
    index = os.environ.get("TORCH_INDEX_URL", TORCH_INDEX)
    # No other source, whose PyTorch would pass for this index's answer.
    variables = only_index(variables, index)
    command = [python, "-m", "pip", "index", "versions", "torch", "--timeout=2", "--retries=0"]
    if subprocess.run(command, env=variables, capture_output=True).returncode:  # noqa: S603
        print(
            f"setup: PyTorch's CPU index ({index}) does not answer: PyTorch comes from where pip "
            "is set up to look. From PyPI that is, on Linux, a build of gigabytes with CUDA.",
            flush=True,
        )
        return
    with step(f"PyTorch's CPU build, from {index}"):
        pip(python, variables, "--no-deps", read_pin("torch"))


def read_pin(name: str) -> str:
    """Return `name==version` as constraints.txt has it."""
    return re.search(rf"^{name}==\S+", CONSTRAINTS.read_text(), re.MULTILINE)[0]


def pip(python: Path, variables: dict[str, str], *arguments: str | Path) -> None:
    """Install packages. Their files are compiled as they are imported, which most never are."""
    install = [python, "-m", "pip", "install", "--quiet", "--no-compile"]
    run([*install, *arguments], variables)


def digest(name: str) -> str:
    """Return a digest of a requirements file, the files that it includes, and the constraints."""
    text = (REPOSITORY / name).read_text()
    included = re.findall(r"^-r (\S+)", text, re.MULTILINE)
    texts = [text, CONSTRAINTS.read_text(), *((REPOSITORY / each).read_text() for each in included)]
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


# Node


def find_node() -> tuple[str, str]:
    """Return the paths of `node` and `npm`. Raises SetupError if they are missing or too old."""
    engines = json.loads((REPOSITORY / "package.json").read_text())["engines"]["node"]
    path = clean().get("PATH")
    node, npm = shutil.which("node", path=path), shutil.which("npm", path=path)
    if not node or not npm:
        raise SetupError(f"there is no {'node' if not node else 'npm'}; install Node {engines}")
    done = subprocess.run([node, "--version"], env=clean(), capture_output=True, text=True)  # noqa: S603
    version = re.match(r"v(\d+)\.(\d+)\.(\d+)", done.stdout)
    if not version or not satisfies(tuple(map(int, version.groups())), engines):
        answer = done.stdout.strip() or reason(done)
        raise SetupError(f"Node {answer} ({node}) does not fit; install Node {engines}")
    return node, npm


def satisfies(version: tuple[int, int, int], engines: str) -> bool:
    """Whether a version is in one of the ranges `^X.Y.Z` or `>=X`, which are joined by `||`."""
    for each in engines.split("||"):
        least = tuple(map(int, re.findall(r"\d+", each)))
        if version >= least and (">=" in each or version[0] == least[0]):
            return True
    return False


def set_up_node(node: str, npm: str) -> None:
    """Make node_modules from package-lock.json. Raises SetupError."""
    recipe = hashlib.sha256((REPOSITORY / "package-lock.json").read_bytes()).hexdigest()
    state = read_state(MODULES)
    if state and state["recipe"] == recipe:
        return
    with step("Node packages"):
        # Options outrank a person's .npmrc.
        options = ["--include=dev", "--include=optional", "--package-lock", "--bin-links"]
        options += ["--install-strategy=hoisted", "--no-legacy-peer-deps", "--no-global"]
        options += ["--no-dry-run", "--no-audit", "--no-fund", "--loglevel=error"]
        run([npm, "ci", *options], clean())
        shutil.rmtree(CACHE / "npm", ignore_errors=True)  # only another `npm ci` would use it
    if not (MODULES / ".bin" / "sls").exists():
        raise SetupError("npm installed no sls; see its settings (npm config list)")
    write_state(MODULES, {"recipe": recipe})


# State


def count_files(folder: Path) -> int:
    """Return the number of files below the folder, without those that Python or tools cache."""
    count = 0
    for _, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in ("__pycache__", ".cache")]
        count += len(files)
    return count


def read_state(folder: Path) -> dict | None:
    """Return the state of `write_state`; None if the folder is not complete or has lost files."""
    try:
        state = json.loads((folder / "complete").read_text())
    except (OSError, ValueError):
        return None
    return state if count_files(folder) >= state["files"] else None


def write_state(folder: Path, state: dict) -> None:
    """Mark the folder as complete, with this state."""
    mark = folder / "complete"
    mark.touch()
    mark.write_text(json.dumps({**state, "files": count_files(folder)}))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
