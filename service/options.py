"""Types of options and arguments; a value that does not fit ends the command before it begins."""

import math
import re
from functools import partial
from pathlib import Path

import click

from service import config

# A key is UTF-8: other bytes of an argument are halves of surrogate pairs.
S3_URI = re.compile(r"s3://(?P<bucket>[a-z0-9.-]{3,63})(?:/(?P<key>[^\ud800-\udfff]*))?")


class Stage(click.ParamType):
    """The name of a stage that `sls` would deploy."""

    name = "stage"

    def convert(self, value, param, ctx):
        """Return the name as it is."""
        if problem := config.stage_problem(value):
            self.fail(f"{problem}.", param, ctx)
        return value


stage = click.option(
    "--stage", type=Stage(), default="dev", metavar="STAGE", help="the deployed stage"
)


def stage_hint(name: str) -> str:
    """Return ` --stage NAME` for a command that a person is to copy; nothing for the default."""
    return "" if name == "dev" else f" --stage {name}"


class Number(click.FloatRange):
    """A number within bounds."""

    def convert(self, value, param, ctx):
        """Return the number."""
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


class S3Uri(click.ParamType):
    """s3://bucket/key of an object."""

    name = "S3 URI"

    def convert(self, value, param, ctx):
        """Return the URI as it is."""
        parts = S3_URI.fullmatch(value)
        if not parts or not parts["key"]:
            self.fail(f"{value!r} is not s3://bucket/key.", param, ctx)
        return value


class PathOrUri(click.ParamType):
    """A path on this machine, or s3://bucket, with or without a key or a prefix."""

    name = "path or S3 URI"

    def convert(self, value, param, ctx):
        """Return the text as it is. Whether the place exists is checked by the command."""
        if not value:
            self.fail("it is empty: name a file, a folder or an S3 URI.", param, ctx)
        if value.lower().startswith("s3:") and not S3_URI.fullmatch(value):
            self.fail(f"{value!r} is not s3://bucket/key or s3://bucket/prefix/.", param, ctx)
        return value


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


class ClassNames(click.ParamType):
    """Names of classes with commas between them."""

    name = "classes"

    def convert(self, value, param, ctx):
        """Return the list of names, at least one."""
        names = [name.strip() for name in value.split(",") if name.strip()]
        if not names:
            self.fail(f"{value!r} names no class.", param, ctx)
        return names


class InstanceType(click.ParamType):
    """SageMaker's name of a kind of machine, such as ml.m5.large."""

    name = "instance type"

    def convert(self, value, param, ctx):
        """Return the name as it is."""
        if not re.fullmatch(config.definition("instance_type")["pattern"], value):
            self.fail(f"{value!r} is not like ml.m5.large.", param, ctx)
        return value
