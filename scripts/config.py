"""config.yml: the names and numbers that serverless.yml and the scripts share."""

from functools import cache
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent


@cache
def load() -> dict:
    """Return config.yml as nested dicts."""
    return yaml.safe_load((ROOT / "config.yml").read_text())


def service_name(stage: str) -> str:
    """Return the name of the stage's stack, which its jobs and models start with."""
    return f"{load()['service']}-{stage}"
