"""`python -m setup.lock_layer`: write handlers/requirements-lock.txt anew.

It has the packages of handlers/requirements.txt and all that they need, in the versions of
constraints.txt, with the hash of each file that a layer on AWS or on a person's machine may hold.
"""

import itertools
import json
import re
import sys

from setup.environment import REPOSITORY, SetupError, only_index, pip_environment, run

REQUIREMENTS = REPOSITORY / "handlers" / "requirements.txt"
LOCK = REPOSITORY / "handlers" / "requirements-lock.txt"

PYTHONS = ("3.11", "3.12", "3.13")
# A file for one of them runs on later systems as well; the first two are AWS's.
PLATFORMS = (
    *("manylinux_2_28_aarch64", "manylinux_2_28_x86_64"),
    *("musllinux_1_2_aarch64", "musllinux_1_2_x86_64"),
    *("macosx_11_0_arm64", "macosx_10_13_x86_64"),
)
HEAD = """\
# handlers/requirements.txt with all that it brings along, and the hash of every file that pip may
# install for a function's Python and platform. `python -m setup.lock_layer` writes it.
"""


def main() -> None:
    """Write the lock; exit with one line if that fails."""
    hashes: dict[str, set[str]] = {}
    try:
        variables = only_index(pip_environment(sys.executable))
        for version, platform in itertools.product(PYTHONS, PLATFORMS):
            print(f"Python {version}, {platform}", flush=True)
            for pin, digest in read_report(resolve(version, platform, variables)):
                hashes.setdefault(pin, set()).add(digest)
    except SetupError as error:
        sys.exit(str(error))
    LOCK.write_text(write(hashes))


def resolve(version: str, platform: str, variables: dict[str, str]) -> str:
    """Have pip report as JSON what it would install for a Python. SetupError if it cannot."""
    command = [sys.executable, "-E", "-s", "-m", "pip", "install", "--dry-run", "--quiet"]
    command += ["--ignore-installed", "--report", "-", "--only-binary=:all:"]
    command += ["--implementation", "cp", "--python-version", version, "--platform", platform]
    # pip asks for a target if the platform is another; nothing is written there.
    command += ["--target", "build/none", "-r", REQUIREMENTS, "-c", "constraints.txt"]
    problem = (
        f"pip finds no packages of the layer for Python {version}. Name an index that has them "
        "(pip config set global.index-url https://...)"
    )
    return run(command, variables, problem)


def read_report(text: str) -> list[tuple[str, str]]:
    """Return (`name==version`, sha256) of each file in pip's report."""
    return [
        (
            make_pin(item["metadata"]["name"], item["metadata"]["version"]),
            item["download_info"]["archive_info"]["hashes"]["sha256"],
        )
        for item in json.loads(text)["install"]
    ]


def make_pin(name: str, version: str) -> str:
    """Return `name==version`, the name as an index has it."""
    return f"{re.sub(r'[-_.]+', '-', name).lower()}=={version}"


def read_pins(text: str) -> set[str]:
    """Return `name==version` of each package in a requirements file or a lock."""
    return {make_pin(*pin) for pin in re.findall(r"^([\w.-]+)==([\w.]+)", text, re.MULTILINE)}


def write(hashes: dict[str, set[str]]) -> str:
    """Return the lock's text: the hashes of each `name==version`."""
    pins = (
        " \\\n".join([pin, *(f"    --hash=sha256:{digest}" for digest in sorted(digests))])
        for pin, digests in sorted(hashes.items())
    )
    return HEAD + "\n".join(pins) + "\n"


if __name__ == "__main__":
    main()
