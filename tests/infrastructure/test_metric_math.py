"""When the alarms of metric math go off, by the expressions and thresholds in the template."""

import pytest

from tests.infrastructure.template import of_type

# The expressions are Python's too, with this for their one function.
FUNCTIONS = {"IF": lambda condition, then, otherwise: then if condition else otherwise}


def breaches(alarm: dict, metrics: dict[str, list[float | None]]) -> list[bool]:
    """Whether each period is above the alarm's threshold, given its metrics' sums."""
    [expression] = [query["Expression"] for query in alarm["Metrics"] if "Expression" in query]
    stats = {query["Id"] for query in alarm["Metrics"] if "MetricStat" in query}
    assert stats == metrics.keys()
    assert alarm["ComparisonOperator"] == "GreaterThanThreshold"
    periods = [
        dict(zip(metrics, sums, strict=True)) for sums in zip(*metrics.values(), strict=True)
    ]
    return [
        None not in sums.values()  # where a metric has no point, an expression has no value
        and eval(expression, FUNCTIONS, sums) > float(alarm["Threshold"])
        for sums in periods
    ]


@pytest.fixture
def alarms(resources) -> dict:
    """The alarms of metric math, by logical id."""
    found = of_type(resources, "AWS::CloudWatch::Alarm")
    return {name: alarm for name, alarm in found.items() if "Metrics" in alarm}


def test_the_share_in_review_counts_from_20_images(alarms):
    metrics = {"review": [19, 20, 10, 11, 0, None, 500], "accepted": [0, 0, 10, 9, 400, 5, 501]}
    expected = [False, True, False, True, False, False, False]
    assert breaches(alarms["ReviewShareAlarm"], metrics) == expected


@pytest.mark.parametrize("name", ["SerializeErrorsAlarm", "ClassifyErrorsAlarm"])
def test_the_share_of_failed_calls_counts_from_20_calls(alarms, name):
    metrics = {"calls": [19, 20, 20, 1000, None], "errors": [19, 4, 5, 201, None]}
    assert breaches(alarms[name], metrics) == [False, False, True, True, False]


def test_there_is_no_other_alarm_of_metric_math(alarms):
    assert alarms.keys() == {"ReviewShareAlarm", "SerializeErrorsAlarm", "ClassifyErrorsAlarm"}
