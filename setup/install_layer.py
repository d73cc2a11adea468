"""`python -m setup.install_layer FOLDER VERSION PLATFORM...`: install the functions' layer.

It holds the packages of handlers/requirements-lock.txt, which has the hash of every file, for a
Python such as 3.13 and a platform by pip's tags. plugins/python-layer.js runs this.
"""

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from setup.environment import SetupError, pip_environment, run
from setup.lock_layer import LOCK, REQUIREMENTS, read_pins

# Lambda has boto3 itself.
SUPERFLUOUS = {"bin", "__pycache__", "test", "tests", "boto3", "botocore", "s3transfer"}
# Its digests of files in bin/ depend on the Python that pip ran on. Without it a layer is the same
# wherever it is made.
RECORD = "RECORD"


def main(folder: str, version: str, platforms: Sequence[str]) -> None:
    """Install the layer; exit with one line if that fails."""
    if missing := read_pins(REQUIREMENTS.read_text()) - read_pins(LOCK.read_text()):
        sys.exit(f"{LOCK.name} lacks {', '.join(missing)}: run python -m setup.lock_layer")
    command = [sys.executable, "-E", "-s", "-m", "pip", "install", "--quiet", "--no-compile"]
    command += ["--require-hashes", "--only-binary=:all:", "--implementation", "cp"]
    command += ["--python-version", version, *(f"--platform={each}" for each in platforms)]
    command += ["--requirement", LOCK, "--target", folder]
    try:
        problem = f"pip could not install {LOCK.name} for Python {version}"
        run(command, pip_environment(sys.executable), problem)
    except SetupError as error:
        sys.exit(str(error))
    for parent, folders, files in os.walk(folder):
        if RECORD in files:
            Path(parent, RECORD).unlink()
        for name in SUPERFLUOUS.intersection(folders):
            shutil.rmtree(Path(parent, name))
            folders.remove(name)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
