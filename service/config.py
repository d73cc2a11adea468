"""config.yml: the names and numbers that serverless.yml and the commands share.

config.schema.json describes it, and the names of stages; plugins/config.js and plugins/guard.js
check the same for `sls`.
"""

import json
import re
from functools import cache
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent


class ConfigError(Exception):
    """config.yml does not fit its schema. The message says where, in one line."""


@cache
def load() -> dict:
    """Return config.yml as nested dicts. Raises ConfigError."""
    try:
        content = yaml.safe_load((ROOT / "config.yml").read_text("utf-8-sig"))
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a wrong date, or no UTF-8
        raise ConfigError(f"config.yml is not YAML: {' '.join(str(error).split())}") from error
    if wrong := problems(content):
        raise ConfigError(f"config.yml: {'; '.join(wrong)}")
    return content


def problems(content: object) -> list[str]:
    """Return what is wrong with config.yml's content: path, value, and what is expected."""
    # Imported here because importers of ROOT alone should not wait for it.
    from jsonschema import Draft7Validator

    return [
        f"{'.'.join(map(str, error.absolute_path))}: {error.message}".removeprefix(": ")
        for error in Draft7Validator(_schema()).iter_errors(content)
    ]


def service_name(stage: str) -> str:
    """Return the name of the stage's stack; the names of its jobs and models begin with it."""
    return f"{load()['service']}-{stage}"


def stage_problem(stage: str) -> str | None:
    """Return what is wrong with a stage's name; None if nothing. plugins/guard.js has the rule too.

    Only `sls deploy` checks the length: a deployed stage may be longer.
    """
    if re.fullmatch(definition("stage")["pattern"], stage):
        return None
    quoted = json.dumps(stage, ensure_ascii=False)
    return (
        f"{quoted} is no stage name: lower-case letters and digits, with single hyphens between "
        "them"
    )


def definition(name: str) -> dict:
    """Return a definition of config.schema.json that is used outside config.yml too."""
    return _schema()["definitions"][name]


@cache
def _schema() -> dict:
    return json.loads((ROOT / "config.schema.json").read_text())
