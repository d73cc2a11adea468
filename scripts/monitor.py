"""Know how the model fares: captures as a table, a baseline, a report on drift."""

import argparse

from scripts import cli
from scripts.monitoring import baseline_command, loading, report_command

COMMANDS = {"load": loading, "baseline": baseline_command, "report": report_command}


def main(argv: list[str] | None) -> None:
    """Run `python -m scripts.monitor`."""
    arguments = _parser().parse_args(argv)
    COMMANDS[arguments.command].run(arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m scripts.monitor", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, module in COMMANDS.items():
        own = module.parser()
        commands.add_parser(
            name,
            parents=[own],
            add_help=False,  # its own parser's
            help=own.description,
            description=own.description,
            epilog=own.epilog,
            allow_abbrev=False,
        )
    return parser


if __name__ == "__main__":
    cli.run(main)
