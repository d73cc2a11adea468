"""How long the endpoint took to answer, as CloudWatch knows it."""

from datetime import UTC, datetime, timedelta

from scripts.hosting import VARIANT

PERCENTILES = ("p50", "p95", "p99")
POINTS = 200  # in a picture
# How long CloudWatch keeps points of so many seconds; hours it keeps for 455 days.
KEPT = ((timedelta(days=15), 60), (timedelta(days=63), 300))
HOUR = 3600


def read(
    cloudwatch, endpoint: str, since: datetime, until: datetime
) -> list[tuple[datetime, float, float, float]]:
    """Return times with their p50, p95 and p99 of ModelLatency in milliseconds, the oldest first.

    A point stands for the period of time that it begins.
    """
    age = datetime.now(UTC) - since
    shortest = next((seconds for kept, seconds in KEPT if age < kept), HOUR)
    period = max(-int(-(until - since).total_seconds() // POINTS // shortest) * shortest, shortest)
    queries = [
        {
            "Id": percentile,
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/SageMaker",
                    "MetricName": "ModelLatency",
                    "Dimensions": [
                        {"Name": "EndpointName", "Value": endpoint},
                        {"Name": "VariantName", "Value": VARIANT},
                    ],
                },
                "Period": period,
                "Stat": percentile,
            },
        }
        for percentile in PERCENTILES
    ]
    found: dict[datetime, dict[str, float]] = {}
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries, StartTime=since, EndTime=until
    )
    for page in pages:
        for series in page["MetricDataResults"]:
            for time, value in zip(series["Timestamps"], series["Values"], strict=True):
                found.setdefault(time, {})[series["Id"]] = value / 1000  # it is in microseconds
    return [
        (time, *(values[percentile] for percentile in PERCENTILES))
        for time, values in sorted(found.items())
        if len(values) == len(PERCENTILES)
    ]
