"""Step Functions: what a JSONata state machine with an inline Map relies on."""

from local.step_functions import (
    errors,
    expression_cache,
    expression_time,
    lifetime,
    map_items,
    quotas,
    retries,
    role,
    start,
)


def install() -> None:
    """Put the additions in place. A task meets the last first: has it ended, its size, its role."""
    role.install()
    quotas.install()
    lifetime.install()
    retries.install()
    errors.install()
    start.install()
    map_items.install()
    expression_cache.install()
    expression_time.install()
