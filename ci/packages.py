"""What `sls package` made: digests of its archives, and what differs between two packages.

    python -m ci.packages digests FOLDER       # in one line
    python -m ci.packages difference OLD NEW   # as Markdown, for the summary of a job

The archives, of the functions' code and of their layer, are equal for all stages of a commit; the
template is not, as it carries the stage. Nothing need be installed for this.
"""

import difflib
import hashlib
import json
import re
import sys
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

TEMPLATE = "cloudformation-template-update-stack.json"
# They change with each package, or say again what is in the archives.
DEPLOYMENT = re.compile(r"\d{13}-\d{4}-\d\d-\d\dT[\d:.]+Z")
LAYER_OUTPUTS = re.compile(r"LambdaLayer(Hash|S3Key)$")


def list_digests(folder: Path) -> str:
    """Return the name and the SHA-256 of each archive: `a.zip=... b.zip=...`."""
    archives = sorted(folder.glob("*.zip"))
    return " ".join(
        f"{path.name}={hashlib.sha256(path.read_bytes()).hexdigest()}" for path in archives
    )


def describe_difference(old: Path, new: Path) -> str:
    """Return, in Markdown, what deploying the package `new` would change where `old` is deployed.

    If `old` has no template, says so.
    """
    if not (old / TEMPLATE).exists():
        return "The commit to compare with could not be packaged."
    parts = [*_compare_templates(_read_resources(old), _read_resources(new))]
    for name in sorted({path.name for folder in (old, new) for path in folder.glob("*.zip")}):
        parts += _make_table(f"in {name}", _read_archive(old / name), _read_archive(new / name))
    return "\n\n".join(parts or ["Nothing that is deployed changes."])


def _compare_templates(old: dict, new: dict) -> Iterator[str]:
    yield from _make_table("in the template", old, new)
    changes = []
    for name in sorted(old.keys() & new.keys()):
        lines = [list(_list_values(each[name])) for each in (old, new)]
        difference = list(difflib.unified_diff(*lines, n=0, lineterm=""))[2:]
        if difference:
            changes += [f"  {name}", *(line for line in difference if not line.startswith("@@"))]
    if changes:
        yield "\n".join(["````diff", *changes, "````"])


def _list_values(value, path: str = "") -> Iterator[str]:
    """Yield `path.to[]: value` for each value, in order."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _list_values(each, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for each in value:
            yield from _list_values(each, f"{path}[]")
    else:
        yield f"{path}: {value}"


def _make_table(title: str, old: dict, new: dict) -> list[str]:
    """Return a table of the names that were added, removed or changed; nothing if none was."""
    rows = [
        f"| `{name}` | {'removed' if name not in new else 'changed' if name in old else 'added'} |"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]
    return ["\n".join([f"| {title} | |", "|---|---|", *rows])] if rows else []


def _read_resources(folder: Path) -> dict:
    """Return the template's resources and outputs; texts that hold JSON are parsed."""
    template = json.loads(DEPLOYMENT.sub("DEPLOYMENT", (folder / TEMPLATE).read_text()))
    outputs = {
        f"output {name}": output
        for name, output in template["Outputs"].items()
        if not LAYER_OUTPUTS.search(name)
    }
    return _parse_texts(template["Resources"] | outputs)


def _parse_texts(value):
    if isinstance(value, dict):
        return {name: _parse_texts(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_parse_texts(each) for each in value]
    if isinstance(value, str) and value.startswith("{"):
        try:
            return _parse_texts(json.loads(value))
        except ValueError:
            return value
    return value


def _read_archive(path: Path) -> dict[str, list]:
    """Return names and checksums of the files below each `folder/name`, a file or a package."""
    found = defaultdict(list)
    if path.exists():
        with zipfile.ZipFile(path) as archive:
            for file in archive.infolist():
                found["/".join(file.filename.split("/")[:2])].append((file.filename, file.CRC))
    return found


def main(command: str, *folders: str) -> None:
    """Run a command of the module's docstring."""
    commands = {"digests": list_digests, "difference": describe_difference}
    print(commands[command](*map(Path, folders)))


if __name__ == "__main__":
    main(*sys.argv[1:])
