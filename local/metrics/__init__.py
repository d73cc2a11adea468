"""CloudWatch: the metrics that Lambda, Step Functions and SageMaker record, and alarms on them."""

from local.metrics import alarms, executions, invocations, store


def install() -> None:
    """Put the additions in place."""
    store.install()
    invocations.install()
    executions.install()
    alarms.install()
