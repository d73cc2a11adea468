"""Watch the model: captures as a table, a baseline, a report on drift."""

from monitoring.__main__ import main
from service import terminal

if __name__ == "__main__":
    terminal.run(main, usage_error_code=1)  # 2 is a violation, which a schedule acts on
