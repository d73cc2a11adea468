"""Step Functions: what a JSONata state machine relies on, its Map inline or distributed."""

from local.step_functions import (
    distributed_map,
    errors,
    history,
    interpreter,
    lifetime,
    quotas,
    role,
)


def install() -> None:
    """Put the additions in place. A task meets the last first: has it ended, its size, its role."""
    role.install()
    quotas.install()
    lifetime.install()
    errors.install()
    distributed_map.install()
    interpreter.install()
    history.install()
