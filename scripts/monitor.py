"""Know how the model fares: captures as a table, a baseline, a report on drift."""

import argparse
import sys

from scripts import cli
from scripts.monitoring import baseline, loading, report_command

COMMANDS = {"load": loading, "baseline": baseline, "report": report_command}


def main(argv: list[str] | None) -> None:
    """Run `python -m scripts.monitor`."""
    try:
        arguments = _parser().parse_args(argv)
    except SystemExit as end:
        sys.exit(min(end.code, 1))  # argparse's 2 is a violation, which a schedule acts on
    arguments.act(arguments)


def _parser() -> argparse.ArgumentParser:
    parts = {name: (module.parser(), module.run) for name, module in COMMANDS.items()}
    return cli.parser_of("monitor", __doc__, parts)


if __name__ == "__main__":
    cli.run(main)
