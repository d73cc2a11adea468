"""What the local cloud must know of the service: local.yml in the folder that it is called in."""

import functools
import sys
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import yaml

from local import paths


@dataclass(frozen=True)
class Settings:
    """`runtime` is the functions', such as `python3.13`.

    Container images go by the names of their repositories: `training` names those whose jobs can
    run here, `serving` has a Python program for each pattern, which serves the models.
    """

    runtime: str
    training: list[str]
    serving: dict[str, str]

    def serving_program(self, repository: str) -> Path | None:
        """The program that serves the models of this repository's images, if there is one."""
        for pattern, program in self.serving.items():
            if fnmatchcase(repository, pattern):
                return paths.FOLDER / program
        return None


@functools.cache
def read() -> Settings:
    """The settings in local.yml. Where there is none the process ends."""
    file = paths.FOLDER / "local.yml"
    if not file.exists():
        sys.exit(f"there is no {file}: call this in the service's folder")
    return Settings(**yaml.safe_load(file.read_text()))
