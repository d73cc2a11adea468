"""`python -m setup [--tests]`: make .venv and node_modules, unless they are there and whole.

The Python that runs this is the one that .venv will have. `--tests` adds what the tests, the
notebook and the benchmarks need beyond the project itself.
"""

import contextlib
import fcntl
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

from setup.environment import CACHE, REPOSITORY, SettingsError, clean, for_pip, only_index, reason

VENV = REPOSITORY / ".venv"
MODULES = REPOSITORY / "node_modules"
CONSTRAINTS = REPOSITORY / "constraints.txt"
PROJECT, TESTS = "requirements.txt", "requirements-tests.txt"

# Not .venv's own, which may be what runs this.
BASE = getattr(sys, "_base_executable", sys.executable)

# PyPI's PyTorch for Linux brings gigabytes of CUDA along.
TORCH_INDEX = "https://download.pytorch.org/whl/cpu"


class SetupError(Exception):
    """What a person can mend; the message says how, in one line."""


def main(arguments: Sequence[str]) -> int:
    """Set up; returns the exit status."""
    wanted = [PROJECT, TESTS] if "--tests" in arguments else [PROJECT]
    CACHE.mkdir(exist_ok=True)
    try:
        node, npm = find_node()
        with alone():
            set_up_python(wanted)
            set_up_node(node, npm)
    except (SetupError, SettingsError) as error:
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
def alone() -> Iterator[None]:
    """Wait until no other set-up of this folder runs."""
    with (CACHE / "setup.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("setup: another set-up of this folder runs: waiting for its end", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def step(name: str) -> Iterator[None]:
    """Print what is done, and the seconds that it took."""
    print(f"setup: {name} …", flush=True)
    began = time.monotonic()
    yield
    print(f"setup: {name}: {time.monotonic() - began:.0f} s", flush=True)


# Python


def set_up_python(wanted: Sequence[str]) -> None:
    """Make .venv with what the requirement files name. Raises SetupError."""
    recipes = {name: recipe(name) for name in wanted}
    state = read_state(VENV)
    if state and state["python"] == python_version():
        missing = [name for name in wanted if state["recipes"].get(name) != recipes[name]]
        recipes = state["recipes"] | recipes
    else:
        missing = list(wanted)
        state = None
    if state and not missing:
        if state["folder"] != str(VENV):
            move_venv()
            write_state(VENV, {**state, "folder": str(VENV)})
        return
    python = VENV / "bin" / "python"
    if state is None:
        with step(f"Python {python_version()}, from {BASE}"):
            if VENV.is_symlink():
                VENV.unlink()
            shutil.rmtree(VENV, ignore_errors=True)
            run([BASE, "-I", "-m", "venv", VENV], clean())
            pip(python, for_pip(python), pinned("pip"))
            (VENV / "bin" / "sls").symlink_to("../../node_modules/.bin/sls")
    (VENV / "complete").unlink(missing_ok=True)
    variables = for_pip(python)
    install_torch(python, variables)
    for name in missing:
        with step(f"packages of {name}"):
            pip(python, variables, "-r", name, "-c", CONSTRAINTS)
    content = {"python": python_version(), "folder": str(VENV), "recipes": recipes}
    write_state(VENV, content)


def install_torch(python: Path, variables: dict[str, str]) -> None:
    """Install PyTorch's CPU build from its own index, if that answers.

    Where it does not, the requirements bring PyTorch from wherever pip is set up to look.
    """
    pin = pinned("torch")
    if sys.platform != "linux" or is_installed(python, pin):
        return
    index = os.environ.get("TORCH_INDEX_URL", TORCH_INDEX)
    # This index and no other source: else another's PyTorch would pass for its answer.
    only = only_index(variables, index)
    command = [python, "-m", "pip", "index", "versions", "torch"]
    asked = subprocess.run(  # noqa: S603
        [*command, "--timeout", "2", "--retries", "0"], env=only, capture_output=True, text=True
    )
    if asked.returncode:
        print(
            f"setup: PyTorch's CPU index ({index}) does not answer: PyTorch comes from where pip "
            "is set up to look. From PyPI that is, on Linux, a build of gigabytes with CUDA.",
            flush=True,
        )
        return
    with step(f"PyTorch's CPU build, from {index}"):
        pip(python, only, "--no-deps", pin)


def pinned(name: str) -> str:
    """Return `name==version` as constraints.txt has it."""
    return re.search(rf"^{name}==\S+", CONSTRAINTS.read_text(), re.MULTILINE)[0]


def is_installed(python: Path, pin: str) -> bool:
    """Tell whether a package is installed in the version that `name==version` names."""
    name, _, version = pin.partition("==")
    say = f"from importlib.metadata import version; print(version({name!r}).partition('+')[0])"
    done = subprocess.run([python, "-I", "-c", say], capture_output=True, text=True)  # noqa: S603
    return done.stdout.strip() == version


def pip(python: Path, variables: dict[str, str], *arguments: str | Path) -> None:
    """Install. Files are compiled by whoever imports them first: most never are."""
    install = [python, "-m", "pip", "install", "--quiet", "--no-compile"]
    run([*install, *arguments], variables)


def move_venv() -> None:
    """Write the paths of a moved folder into .venv's scripts anew."""
    run([BASE, "-I", "-m", "venv", "--without-pip", VENV], clean())


def recipe(name: str) -> str:
    """Return a digest of a requirements file, of those it includes, and of the constraints."""
    text = (REPOSITORY / name).read_text()
    included = re.findall(r"^-r (\S+)", text, re.MULTILINE)
    texts = [text, CONSTRAINTS.read_text(), *((REPOSITORY / each).read_text() for each in included)]
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def python_version() -> str:
    """Return this Python's version, such as 3.11.7."""
    return ".".join(map(str, sys.version_info[:3]))


# Node


def find_node() -> tuple[str, str]:
    """Return the paths of `node` and `npm`. Raises SetupError if they are missing or too old."""
    engines = json.loads((REPOSITORY / "package.json").read_text())["engines"]["node"]
    path = clean().get("PATH")
    node, npm = shutil.which("node", path=path), shutil.which("npm", path=path)
    if not node or not npm:
        raise SetupError(f"there is no {'node' if not node else 'npm'}; install Node {engines}")
    said = subprocess.run([node, "--version"], env=clean(), capture_output=True, text=True)  # noqa: S603
    version = re.match(r"v(\d+)\.(\d+)\.(\d+)", said.stdout)
    if not version or not satisfies(tuple(map(int, version.groups())), engines):
        found = said.stdout.strip() or reason(said)
        raise SetupError(f"Node {found} ({node}) does not fit; install Node {engines}")
    return node, npm


def satisfies(version: tuple[int, int, int], engines: str) -> bool:
    """Tell whether a version is in one of the ranges `^X.Y.Z` or `>=X` between `||`."""
    for each in engines.split("||"):
        least = tuple(map(int, re.findall(r"\d+", each)))
        if version >= least and (">=" in each or version[0] == least[0]):
            return True
    return False


def set_up_node(node: str, npm: str) -> None:
    """Make node_modules as package-lock.json says. Raises SetupError."""
    lock = (REPOSITORY / "package-lock.json").read_bytes()
    state = read_state(MODULES)
    digest = hashlib.sha256(lock).hexdigest()
    if state and state["recipe"] == digest:
        return
    with step("Node packages"):
        # Each option outranks what a person's .npmrc says of the same.
        how = ["--include=dev", "--include=optional", "--package-lock", "--bin-links"]
        how += ["--install-strategy=hoisted", "--no-legacy-peer-deps", "--no-global"]
        how += ["--no-dry-run", "--no-audit", "--no-fund", "--loglevel=error"]
        run([npm, "ci", *how], clean())
        shutil.rmtree(CACHE / "npm", ignore_errors=True)  # of use to another `npm ci` alone
    if not (MODULES / ".bin" / "sls").exists():
        raise SetupError("npm installed no sls; see its settings (npm config list)")
    write_state(MODULES, {"recipe": digest})


# State


def count_files(folder: Path) -> int:
    """Return how many files lie below, without those that Python compiles or tools cache."""
    count = 0
    for _, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in ("__pycache__", ".cache")]
        count += len(files)
    return count


def read_state(folder: Path) -> dict | None:
    """Return what `write_state` wrote; None if the folder is not complete or has lost files."""
    try:
        state = json.loads((folder / "complete").read_text())
    except (OSError, ValueError):
        return None
    return state if count_files(folder) >= state["files"] else None


def write_state(folder: Path, state: dict) -> None:
    """Mark the folder as complete."""
    mark = folder / "complete"
    mark.touch()
    mark.write_text(json.dumps({**state, "files": count_files(folder)}))


def run(command: Sequence[str | Path], variables: dict[str, str]) -> None:
    """Run a command in the repository. Raises SetupError with the last that it said."""
    done = subprocess.run(  # noqa: S603
        command,
        cwd=REPOSITORY,
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        program = " ".join(str(part) for part in command[:4])
        raise SetupError(f"{program} … failed: {reason(done)}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
