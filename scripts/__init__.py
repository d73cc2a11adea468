"""The commands: `python -m scripts` lists them, `python -m scripts.<name> --help` explains one."""

import os
import signal
import sys


def _end(*_) -> None:
    os.write(sys.__stderr__.fileno(), b"error: Interrupted.\n")
    os._exit(130)


# For Ctrl-C while `python -m scripts.X` imports its modules, until service/terminal.py takes over.
if sys.argv[0] == "-m" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, _end)
