"""local/ stands by itself: it could serve another service, and go without a trace."""

import ast
import re
import sys
from importlib import metadata
from pathlib import Path

LOCAL = Path(__file__).parents[2]
TREES = {path.relative_to(LOCAL): ast.parse(path.read_text()) for path in LOCAL.rglob("*.py")}
FOLDERS = {path.name for path in LOCAL.parent.glob("[!.]*/")} - {LOCAL.name}


def imported(tree: ast.AST) -> set[str]:
    """The top-level modules that a file imports."""
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = [[node.module] if isinstance(node, ast.ImportFrom) else node.names for node in nodes]
    return {getattr(name, "name", name).split(".")[0] for each in names for name in each}


def test_it_imports_the_standard_library_its_requirements_and_itself_alone():
    required = re.findall(r"^[\w-]+", (LOCAL / "requirements.txt").read_text(), re.MULTILINE)
    installed = metadata.packages_distributions().items()
    allowed = {module for module, packages in installed if set(packages) & set(required)}
    allowed |= sys.stdlib_module_names | {LOCAL.name}
    for path, tree in TREES.items():
        others = imported(tree) - allowed
        assert not (others & FOLDERS if path.parts[0] == "tests" else others), path


def test_no_text_in_it_names_a_folder_of_the_service():
    named = re.compile(rf"(?<![\w/.-])({'|'.join(FOLDERS)})/\w")
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not named.search(node.value), f"{path}:{node.lineno}"
