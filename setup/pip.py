"""`python -m setup.pip [--one-index] ARGUMENTS`: this Python's pip, led astray by no settings.

With `--one-index` packages come from the index LAYER_INDEX_URL, else pip's own, and from nowhere
else: no extra index and no links, unless pip is set up with links and no index.
"""

import os
import sys

from setup import environment


def main() -> None:
    """Replace this process by pip's."""
    arguments = sys.argv[1:]
    one_index = arguments[:1] == ["--one-index"]
    made = environment.for_layer if one_index else environment.for_pip
    try:
        variables = made(sys.executable)
    except environment.SettingsError as error:
        sys.exit(f"pip cannot read its settings: {error}")
    command = [sys.executable, "-E", "-s", "-m", "pip", *arguments[one_index:]]
    os.execve(sys.executable, command, variables)  # noqa: S606


if __name__ == "__main__":
    main()
