"""CloudWatch: the metrics that Lambda, Step Functions and SageMaker record, and alarms on them."""

from local.metrics import alarms, services, store


def install() -> None:
    """Put the additions in place."""
    store.install()
    services.install()
    alarms.install()
