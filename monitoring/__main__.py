"""Know how the model fares: captures as a table, a baseline, a report on drift."""

import argparse
import sys

from monitoring import baseline, load, report
from service import terminal

COMMANDS = {"load": load, "baseline": baseline, "report": report}


def main(argv: list[str] | None) -> None:
    """Run `python -m scripts.monitor`."""
    try:
        arguments = _parser().parse_args(argv)
    except SystemExit as end:
        sys.exit(min(end.code, 1))  # argparse's 2 is a violation, which a schedule acts on
    arguments.act(arguments)


def _parser() -> argparse.ArgumentParser:
    parts = {name: (module.parser(), module.run) for name, module in COMMANDS.items()}
    return terminal.parser_of("monitor", __doc__, parts)


if __name__ == "__main__":
    terminal.run(main)
