"""Latencies as CloudWatch gives them, and how they are asked for."""

from datetime import UTC, datetime, timedelta

import pytest

from scripts.monitoring import latencies

NOON = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


class CloudWatch:
    """GetMetricData in pages; what was asked is kept."""

    def __init__(self, *pages):
        self.pages = pages

    def get_paginator(self, operation):
        assert operation == "get_metric_data"
        return self

    def paginate(self, **request):
        self.request = request
        for page in self.pages:
            yield {
                "MetricDataResults": [
                    {
                        "Id": percentile,
                        "Timestamps": [NOON + timedelta(minutes=minute) for minute in minutes],
                        "Values": values,
                    }
                    for percentile, minutes, values in page
                ]
            }


def test_points_come_in_milliseconds_by_time_from_all_pages():
    cloudwatch = CloudWatch(
        [("p50", [5, 0], [2000, 1000]), ("p95", [5, 0], [4000, 3000]), ("p99", [5], [9000])],
        [("p99", [0], [8000])],
    )
    found = latencies.read(cloudwatch, "endpoint", NOON, NOON + timedelta(hours=1))
    assert found == [(NOON, 1, 3, 8), (NOON + timedelta(minutes=5), 2, 4, 9)]


def test_a_point_without_all_percentiles_is_left_out():
    cloudwatch = CloudWatch([("p50", [0], [1000])])
    assert latencies.read(cloudwatch, "endpoint", NOON, NOON + timedelta(hours=1)) == []


@pytest.mark.parametrize(
    ("ago", "span", "period"),
    [
        (timedelta(hours=1), timedelta(minutes=1), 60),
        (timedelta(days=1), timedelta(days=1), 480),  # 432 s are no whole minutes
        (timedelta(days=30), timedelta(hours=1), 300),
        (timedelta(days=30), timedelta(days=30), 13200),
        (timedelta(days=80), timedelta(days=1), 3600),
    ],
)
def test_a_span_has_few_points_of_a_length_that_cloudwatch_keeps(ago, span, period):
    cloudwatch = CloudWatch()
    latencies.read(cloudwatch, "endpoint", NOON - ago, NOON - ago + span)
    [query, *_] = cloudwatch.request["MetricDataQueries"]
    assert query["MetricStat"]["Period"] == period
    assert span.total_seconds() / period <= latencies.POINTS
