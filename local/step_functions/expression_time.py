"""How long a JSONata expression may take.

On AWS an expression may run for a second, on a machine that does nothing else. MiniStack measures
that second by the clock, in an interpreter written in Python whose process runs 40 items at once on
a machine that runs the functions too: an expression over 500 images, which takes a quarter of a
second alone, fails every now and then. The second is one of the thread's own processor time here.
"""

import time
from collections.abc import Callable

from jsonata.jexception import JException
from jsonata.timebox import Timebox

from local import seams


def install() -> None:
    """Measure expressions by the processor time that they take."""
    seams.replace(Timebox, "__init__", begin)
    seams.replace(Timebox, "check_runaway", check)


def begin(original: Callable, box: Timebox, *arguments: object) -> None:
    """Start measuring."""
    original(box, *arguments)
    box.time = _milliseconds()


def check(original: Callable, box: Timebox) -> None:
    """Raise JSONata's D1012 once the expression has had its time."""
    if _milliseconds() - box.time > box.timeout:
        raise JException("D1012", -1, box.timeout)


def _milliseconds() -> float:
    return time.thread_time() * 1000
