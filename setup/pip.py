"""`python -m setup.pip ARGUMENTS`: this Python's pip, led astray by no settings."""

import os
import sys

from setup import environment


def main() -> None:
    """Replace this process by pip's."""
    try:
        variables = environment.for_pip(sys.executable)
    except environment.SettingsError as error:
        sys.exit(f"pip cannot read its settings: {error}")
    command = [sys.executable, "-E", "-s", "-m", "pip", *sys.argv[1:]]
    os.execve(sys.executable, command, variables)  # noqa: S606


if __name__ == "__main__":
    main()
