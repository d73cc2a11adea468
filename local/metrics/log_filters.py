"""Metric filters: log lines that match a pattern become points of a metric.

MiniStack keeps metric filters and never looks at a line, and takes every pattern of JSON for one
that matches each line.
"""

from collections.abc import Callable

from ministack.services import cloudwatch_logs as logs

from local import seams
from local.metrics import log_patterns, store


def install() -> None:
    """Look at the lines that are logged."""
    seams.replace(logs, "_put_metric_filter", put)
    seams.replace(logs, "_compile_filter_pattern", matcher)
    seams.replace(logs, "_fanout_to_subscription_filters", logged)


def put(original: Callable, request: dict) -> tuple:
    """PutMetricFilter; a pattern that is not emulated is refused."""
    try:
        logs._compile_filter_pattern(request.get("filterPattern", ""))
    except log_patterns.UnknownPatternError as error:
        return logs.error_response_json("InvalidParameterException", str(error), 400)
    return original(request)


def matcher(original: Callable, pattern: str) -> Callable[[str], bool]:
    """Whether a line matches the pattern. Raises UnknownPatternError."""
    if pattern and pattern.strip().startswith("{"):
        return log_patterns.compile(pattern)
    return original(pattern)


def logged(original: Callable, group: str, stream: str, events: list[dict]) -> None:
    """Record what the group's metric filters make of the events, and pass them on."""
    for metric_filter in logs._metric_filters.values():
        if metric_filter["logGroupName"] == group:
            matches = logs._compile_filter_pattern(metric_filter["filterPattern"])
            lines = [event["message"] for event in events if matches(event["message"])]
            for transformation in metric_filter["metricTransformations"]:
                _record(transformation, lines, len(events))
    original(group, stream, events)


def _record(transformation: dict, lines: list[str], logged_lines: int) -> None:
    """A point for each line that matched; if none of those logged did, the default value."""
    unit = transformation.get("unit", "None")
    points = [(_value(transformation, line), _dimensions(transformation, line)) for line in lines]
    if logged_lines and not lines and "defaultValue" in transformation:
        points = [(float(transformation["defaultValue"]), {})]
    for value, dimensions in points:
        if value is not None:
            store.record(
                transformation["metricNamespace"],
                dimensions,
                {transformation["metricName"]: (value, unit)},
            )


def _value(transformation: dict, line: str) -> float | None:
    """The number that `metricValue` is or names; a field that is no number makes no point."""
    text = str(transformation["metricValue"])
    try:
        return float(log_patterns.field(log_patterns.parse(line), text) if text[0] == "$" else text)
    except (KeyError, TypeError, ValueError):
        return None


def _dimensions(transformation: dict, line: str) -> dict[str, str]:
    value = log_patterns.parse(line)
    found = {}
    for name, path in (transformation.get("dimensions") or {}).items():
        try:
            found[name] = str(log_patterns.field(value, path))
        except KeyError:
            continue
    return found
