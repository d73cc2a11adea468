"""Arrows point one way: which package may import which."""

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ALLOWED = {
    "handlers": set(),
    "model": set(),
    "service": {"handlers"},
    "monitoring": {"handlers", "service"},
    "scripts": {"handlers", "model", "monitoring", "service", "setup"},
    "ci": {"service"},
    "local": set(),
    "setup": set(),
}
PROOF = {"benchmarks", "tests"}  # imported by none of these: what judges a model was never learnt


@cache
def imports(path: Path) -> list[ast.Import | ast.ImportFrom]:
    nodes = ast.walk(ast.parse(path.read_text()))
    return [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]


@pytest.mark.parametrize("package", ALLOWED)
def test_a_package_imports_only_what_lies_below_it(package):
    found = set()
    for path in sorted((ROOT / package).rglob("*.py")):
        for node in imports(path):
            names = [node.module] if isinstance(node, ast.ImportFrom) and not node.level else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            found |= {name.split(".")[0] for name in names}
    assert found & (ALLOWED.keys() | PROOF) - {package} <= ALLOWED[package]


def test_no_command_is_imported_by_another():
    """What two commands do lies in service/, or in a part of one of them."""
    commands = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in [*(ROOT / "scripts").glob("*.py"), *ROOT.glob("scripts/*/__main__.py")]
        if path.name != "__init__.py"
    }
    for package in ("service", "monitoring", "scripts"):
        for path in sorted((ROOT / package).rglob("*.py")):
            imported = {
                name
                for node in imports(path)
                if isinstance(node, ast.ImportFrom) and not node.level
                for name in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))
            }
            assert not imported & commands, path
