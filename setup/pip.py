"""`python -m setup.pip ARGUMENTS`: this Python's pip, with packages from one index.

That is the index LAYER_INDEX_URL, else pip's own. There is no extra index and there are no links,
unless pip is set up with links and no index. A person's settings do not change where packages go.
"""

import os
import sys

from setup.environment import SettingsError, for_layer


def main() -> None:
    """Replace this process by pip's."""
    try:
        variables = for_layer(sys.executable)
    except SettingsError as error:
        sys.exit(f"pip cannot read its settings: {error}")
    command = [sys.executable, "-E", "-s", "-m", "pip", *sys.argv[1:]]
    os.execve(sys.executable, command, variables)  # noqa: S606


if __name__ == "__main__":
    main()
