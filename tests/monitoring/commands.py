"""How the tests run `monitor`."""

from monitoring.__main__ import main


def invoke(*arguments: str) -> None:
    """Run it in this process; its errors are raised, and so is the exit code of a report."""
    with main.make_context("monitor", list(arguments)) as context:
        main.invoke(context)
