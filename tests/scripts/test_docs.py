"""What README and docs/ name is there: files, headings, commands, options, targets of make."""

import importlib
import re
import shlex
from pathlib import Path

import click
import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    *ROOT.glob("*.md"),
    *(ROOT / "docs").glob("*.md"),
    ROOT / "ci" / "README.md",
    ROOT / "local" / "README.md",
    ROOT / "benchmarks" / "README.md",
]
LINK = re.compile(r"\]\(([^)\s]+)\)")
WORKFLOW = "../../actions/workflows/"  # GitHub's page of one, and its badge
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
COMMAND = re.compile(r"python -m (scripts\.\w+)([^`\n#|]*)")
TARGET = re.compile(r"(?:^|`)make ([a-z-]+)", re.MULTILINE)

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    headings = HEADING.findall(page.read_text())
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}


def command_of(module: str) -> click.Command:
    """The command that `python -m` of that module runs."""
    package = ROOT / module.replace(".", "/")
    return importlib.import_module(f"{module}.__main__" if package.is_dir() else module).main


@every_page
def test_every_link_within_the_repository_leads_somewhere(page):
    for link in LINK.findall(page.read_text()):
        if link.startswith(("http://", "https://")):
            continue
        if link.startswith(WORKFLOW):
            name = link.removeprefix(WORKFLOW).removesuffix("/badge.svg")
            assert (ROOT / ".github" / "workflows" / name).exists(), link
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@every_page
def test_every_command_has_the_options_that_the_page_gives_it(page):
    for module, rest in COMMAND.findall(page.read_text()):
        command = command_of(module)
        words = shlex.split(rest.replace("'", ""))
        while isinstance(command, click.Group) and words:
            name = words.pop(0)
            assert name in command.commands, f"{module} {rest}"
            command = command.commands[name]
        known = {option for parameter in command.params for option in parameter.opts}
        given = {word for word in words if word.startswith("--")}
        assert given <= known, f"{module} {rest}"


@every_page
def test_every_target_of_make_is_one(page):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(TARGET.findall(page.read_text())) <= targets
