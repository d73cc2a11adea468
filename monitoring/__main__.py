"""Know how the model fares: captures as a table, a baseline, a report on drift."""

from monitoring import baseline, load, report
from service import terminal


@terminal.group("monitor")
def main() -> None:
    """Know how the model fares: captures as a table, a baseline, a report on drift."""


for command in (load.main, baseline.main, report.main):
    main.add_command(command)
