"""Step Functions: what a JSONata state machine relies on, its Map inline or distributed."""

from local.step_functions import distributed_map, errors, executions, history, interpreter


def install() -> None:
    """Put the additions in place."""
    for additions in (executions, errors, distributed_map, interpreter, history):
        additions.install()
