"""CloudWatch: the metrics that Lambda, Step Functions and SageMaker record, and alarms on them."""

from local.metrics import alarms, executions, invocations, log_filters, store


def install() -> None:
    """Put the additions in place."""
    store.install()
    invocations.install()
    executions.install()
    log_filters.install()
    alarms.install()
