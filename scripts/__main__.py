"""List the commands: `python -m scripts`."""

import ast
from pathlib import Path


def commands() -> dict[str, str]:
    """Return the first line of each command's docstring, by its name."""
    folder = Path(__file__).parent
    files = {path.stem: path for path in folder.glob("[a-z]*.py")}
    files |= {path.parent.name: path for path in folder.glob("*/__main__.py")}
    docstrings = {name: ast.get_docstring(ast.parse(files[name].read_text())) for name in files}
    return {name: docstrings[name].partition("\n")[0] for name in sorted(files)}


def main() -> None:
    """Print a line for each command."""
    for name, line in commands().items():
        print(f"python -m scripts.{name:<16} {line}")


if __name__ == "__main__":
    main()
