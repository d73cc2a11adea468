"""What state an alarm is in, by the points of its metrics.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

from collections import defaultdict

from ministack.services import cloudwatch

from local.metrics import expressions

OK, ALARM, INSUFFICIENT_DATA = "OK", "ALARM", "INSUFFICIENT_DATA"

_COMPARISONS = {
    "GreaterThanOrEqualToThreshold": float.__ge__,
    "GreaterThanThreshold": float.__gt__,
    "LessThanThreshold": float.__lt__,
    "LessThanOrEqualToThreshold": float.__le__,
}


def state_of(alarm: dict, now: float) -> tuple[str, str]:
    """The alarm's state at that moment, and why.

    It looks at whole periods, and at the one that runs as soon as there are points in it.
    """
    length = period(alarm)
    current = now // length * length
    count = alarm["EvaluationPeriods"]
    moments = [current - length * index for index in range(count, -1, -1)]
    values = series(alarm, moments, length)
    looked_at = moments[1:] if current in values else moments[:-1]
    found = [values[moment] for moment in looked_at if moment in values]
    threshold, compare = float(alarm["Threshold"]), _COMPARISONS[alarm["ComparisonOperator"]]
    breaching = sum(compare(float(value), threshold) for value in found)
    state = judge(
        breaching,
        missing=count - len(found),
        periods=count,
        needed=alarm.get("DatapointsToAlarm") or count,
        treatment=alarm.get("TreatMissingData") or "missing",
        before=alarm["StateValue"],
    )
    if not found:
        return state, f"no datapoints were received for {count} period(s)"
    shown = ", ".join(f"{value:g}" for value in found)
    comparison = f"{alarm['ComparisonOperator']} {threshold:g}"
    return state, f"Threshold Crossed: {breaching} of [{shown}] {comparison}"


def judge(
    breaching: int, missing: int, periods: int, needed: int, treatment: str, before: str
) -> str:
    """The state when so many of the periods are breaching and so many have no data."""
    if treatment == "breaching":
        breaching += missing
    if breaching >= needed:
        return ALARM
    if treatment == "missing" and missing == periods:
        return INSUFFICIENT_DATA
    if treatment == "ignore" and breaching + missing >= needed:
        return before
    return OK


def period(alarm: dict) -> int:
    """The seconds of a period: the alarm's own, or those of the metrics in its expression."""
    if not alarm.get("Metrics"):
        return alarm["Period"]
    return max(
        int(query["MetricStat"]["Period"] if "MetricStat" in query else query.get("Period", 1))
        for query in alarm["Metrics"]
    )


def series(alarm: dict, moments: list[float], length: int) -> expressions.Series:
    """The alarm's values, by the start of their period."""
    since = moments[0]
    if not alarm.get("Metrics"):
        stat = alarm.get("ExtendedStatistic") or alarm["Statistic"]
        return statistics(alarm, stat, since, length)
    values = {}
    for query in alarm["Metrics"]:
        if "MetricStat" in query:
            found = query["MetricStat"]
            values[query["Id"]] = statistics(found["Metric"], found["Stat"], since, length)
    for query in in_order(alarm["Metrics"]):
        values[query["Id"]] = expressions.evaluate(query["Expression"], values, moments)
    return next(values[query["Id"]] for query in alarm["Metrics"] if query["ReturnData"])


def in_order(queries: list[dict]) -> list[dict]:
    """The queries that are expressions, the last first: earlier ones may be made of later ones."""
    return [query for query in reversed(queries) if "Expression" in query]


def statistics(metric: dict, stat: str, since: float, length: int) -> expressions.Series:
    """The metric's statistic in each period that has points. Its dimensions are exactly those."""
    dimensions = cloudwatch._dims_from_list(metric.get("Dimensions") or [])
    key = (metric["Namespace"], metric["MetricName"], cloudwatch._dims_key(dimensions))
    periods = defaultdict(list)
    for point in list(cloudwatch._metrics.get(key) or ()):
        if point["Timestamp"] >= since:
            periods[point["Timestamp"] // length * length].append(point)
    values = {
        moment: cloudwatch._stat_value(cloudwatch._calc_stats(points), stat, points)
        for moment, points in periods.items()
    }
    return {moment: value for moment, value in values.items() if value is not None}
