"""Types of options and arguments; a value that does not fit ends the command before it begins."""

import math
import re
from functools import partial
from pathlib import Path

import click

from service import config

# A key is UTF-8: other bytes of an argument are halves of surrogate pairs.
S3_URI = re.compile(r"s3://(?P<bucket>[a-z0-9.-]{3,63})(?:/(?P<key>[^\ud800-\udfff]*))?")


def parse_stage(value: str) -> str:
    """Return the name of a stage that `sls` would deploy. Raises BadParameter."""
    if problem := config.stage_problem(value):
        raise click.BadParameter(f"{problem}.")
    return value


stage = click.option(
    "--stage", type=parse_stage, default="dev", metavar="STAGE", help="the deployed stage"
)


def stage_hint(name: str) -> str:
    """Return ` --stage NAME` for a command that a person is to copy; nothing for the default."""
    return "" if name == "dev" else f" --stage {name}"


def parse_s3_uri(value: str) -> str:
    """Return s3://bucket/key of an object as it is. Raises BadParameter."""
    parts = S3_URI.fullmatch(value)
    if not parts or not parts["key"]:
        raise click.BadParameter(f"{value!r} is not s3://bucket/key.")
    return value


def parse_place(value: str) -> str:
    """Return a path or s3://bucket, with or without a key or prefix, as it is; or BadParameter."""
    if not value:
        raise click.BadParameter("it is empty: name a file, a folder or an S3 URI.")
    if value.lower().startswith("s3:") and not S3_URI.fullmatch(value):
        raise click.BadParameter(f"{value!r} is not s3://bucket/key or s3://bucket/prefix/.")
    return value


def parse_classes(value: str) -> list[str]:
    """Return the names of classes, which have commas between them. Raises BadParameter."""
    names = [name.strip() for name in value.split(",") if name.strip()]
    if not names:
        raise click.BadParameter(f"{value!r} names no class.")
    return names


def parse_instance_type(value: str) -> str:
    """Return SageMaker's name of a kind of machine as it is. Raises BadParameter."""
    if not re.fullmatch(config.definition("instance_type")["pattern"], value):
        raise click.BadParameter(f"{value!r} is not like ml.m5.large.")
    return value


class Number(click.FloatRange):
    """A number within bounds."""

    def convert(self, value, param, ctx):
        """Return the number."""
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


class _Path(click.Path):
    def convert(self, value, param, ctx):
        """Return a pathlib.Path; an empty one would be the current folder."""
        if value == "":
            self.fail(f"it is empty: name a {self.name}.", param, ctx)
        return super().convert(value, param, ctx)


Folder = partial(_Path, exists=True, file_okay=False, path_type=Path)
File = partial(_Path, exists=True, dir_okay=False, path_type=Path)


class OutputFile(_Path):
    """A file to write into a folder that exists; with suffixes, its name ends in one of them."""

    def __init__(self, *suffixes: str):
        super().__init__(dir_okay=False, writable=True, path_type=Path)
        self.suffixes = suffixes

    def convert(self, value, param, ctx):
        """Return the path."""
        path = super().convert(value, param, ctx)
        if self.suffixes and path.suffix not in self.suffixes:
            self.fail(f"{str(path)!r} does not end in {' or '.join(self.suffixes)}.", param, ctx)
        if not path.parent.is_dir():
            self.fail(f"there is no folder {str(path.parent)!r}.", param, ctx)
        return path
