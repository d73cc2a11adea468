"""Watch the model: captures as a table, a baseline, a report on drift."""

from monitoring import baseline, load, report
from service import terminal


@terminal.group("monitor")
def main() -> None:
    """Know how the model fares: captures as a table, a baseline, a report on drift."""


for command in (load.main, baseline.main, report.main):
    main.add_command(command)

if __name__ == "__main__":
    terminal.run(main, usage_error_code=1)  # 2 is a violation, which a schedule acts on
