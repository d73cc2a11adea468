"""Step Functions: what a JSONata state machine relies on, its Map inline or distributed."""

from local.step_functions import (
    distributed_map,
    errors,
    expression_cache,
    expression_time,
    history,
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
    distributed_map.install()
    expression_cache.install()
    expression_time.install()
    history.install()
