"""`python -m setup.pip [--only-index URL] ARGUMENTS`: this Python's pip, led astray by no settings.

With `--only-index` packages come from that index and from nowhere else.
"""

import os
import sys

from setup import environment


def main() -> None:
    """Replace this process by pip's."""
    arguments = sys.argv[1:]
    try:
        variables = environment.for_pip(sys.executable)
    except environment.SettingsError as error:
        sys.exit(f"pip cannot read its settings: {error}")
    if arguments[:1] == ["--only-index"]:
        variables = environment.only_index(variables, arguments[1])
        arguments = arguments[2:]
    command = [sys.executable, "-E", "-s", "-m", "pip", *arguments]
    os.execve(sys.executable, command, variables)  # noqa: S606


if __name__ == "__main__":
    main()
