"""config.yml: the names and numbers that serverless.yml and the scripts share.

config.schema.json says what it may hold, and what a stage may be called: plugins/config.js and
plugins/guard.js hold `sls` to the same.
"""

import json
import re
from functools import cache
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent


class ConfigError(Exception):
    """config.yml is not what its schema asks for. The message says where, in one line."""


@cache
def load() -> dict:
    """Return config.yml as nested dicts. Raises ConfigError."""
    try:
        content = yaml.safe_load((ROOT / "config.yml").read_text())
    except yaml.YAMLError as error:
        raise ConfigError(f"config.yml is not YAML: {error}") from error
    if found := problems(content):
        raise ConfigError(f"config.yml: {'; '.join(found)}")
    return content


def problems(content: object) -> list[str]:
    """Return what is wrong with config.yml's content: path, value, and what is expected."""
    # Imported here: whoever only wants ROOT need not wait for it.
    from jsonschema import Draft7Validator

    return [
        f"{'.'.join(map(str, error.absolute_path))}: {error.message}".removeprefix(": ")
        for error in Draft7Validator(_schema()).iter_errors(content)
    ]


def service_name(stage: str) -> str:
    """Return the name of the stage's stack, which its jobs and models start with."""
    return f"{load()['service']}-{stage}"


def stage_problem(stage: str) -> str | None:
    """Return what is wrong with a stage's name, for AWS; None if nothing."""
    rules = _schema()["definitions"]
    most = rules["stack"]["maxLength"] - len(service_name(""))
    if re.fullmatch(rules["stage"]["pattern"], stage) and len(stage) <= most:
        return None
    return (
        f"{stage!r} is no stage name: at most {most} lower-case letters and digits, "
        "with single hyphens between them"
    )


@cache
def _schema() -> dict:
    return json.loads((ROOT / "config.schema.json").read_text())
