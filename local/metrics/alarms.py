"""Alarms: which points they look at, metric math, and missing data.

MiniStack's alarms look at all metrics of the name, whatever their dimensions, take no metric math,
pass over TreatMissingData, and look again only when a client puts or changes something. Here an
alarm looks at its own metric at every point recorded and, as periods pass, every few seconds.

One period is looked at, the last one until now; an alarm over several is refused.
"""

import contextvars
import threading
import time
from collections.abc import Callable

from ministack.services import cloudwatch
from ministack.services.cloudformation import provisioners

from local import seams
from local.metrics import expressions, store

SECONDS_BETWEEN_LOOKS = 5
WITHOUT_DATA = {"notBreaching": "OK", "breaching": "ALARM", "missing": "INSUFFICIENT_DATA"}
COMPARISONS = {
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}


def install() -> None:
    """Evaluate alarms as AWS does."""
    seams.replace(cloudwatch, "_evaluate_alarm", evaluate)
    seams.replace(provisioners, "_cw_metric_alarm_record", template_record)
    looking = threading.Event()
    store.listen(lambda: looking.set())
    threading.Thread(target=_look, args=(looking,), daemon=True).start()


def template_record(original: Callable, name: str, properties: dict) -> dict:
    """MiniStack's record of a template's alarm; one with metric math keeps its `Metrics`."""
    if int(properties.get("EvaluationPeriods", 1)) != 1:
        raise ValueError("the local cloud evaluates alarms over one period only")
    metrics = properties.get("Metrics")
    if not metrics:
        return original(name, properties)
    expressions.check([m["Expression"] for m in metrics if "Expression" in m])
    plain = {key: value for key, value in properties.items() if key != "Metrics"}
    alarm = original(name, {**plain, "MetricName": name, "Namespace": name})
    return {**alarm, "MetricName": None, "Namespace": None, "Metrics": metrics}


def evaluate(_: Callable, alarm: dict) -> None:
    """Look at the alarm's metric; tell of a change of state."""
    value = _value(alarm)
    if value is None:
        state = WITHOUT_DATA.get(alarm.get("TreatMissingData"), alarm["StateValue"])
        reason = "Insufficient Data: no datapoints were received"
    else:
        breaching = COMPARISONS[alarm["ComparisonOperator"]](value, alarm["Threshold"])
        state = "ALARM" if breaching else "OK"
        reason = f"Threshold Crossed: {value} {alarm['ComparisonOperator']} {alarm['Threshold']}"
    before = alarm["StateValue"]
    if state == before:
        return
    alarm.update(StateValue=state, StateReason=reason, StateUpdatedTimestamp=int(time.time()))
    cloudwatch._record_history(alarm["AlarmName"], before, state, reason)
    cloudwatch._dispatch_alarm_actions(alarm, before, state, reason)


def _value(alarm: dict) -> float | None:
    if not alarm.get("Metrics"):
        statistic = alarm.get("ExtendedStatistic") or alarm["Statistic"]
        return _statistic(alarm, statistic, alarm["Period"])
    values, result = {}, None
    for metric in alarm["Metrics"]:
        if "MetricStat" in metric:
            stat = metric["MetricStat"]
            values[metric["Id"]] = _statistic(stat["Metric"], stat["Stat"], int(stat["Period"]))
    for metric in alarm["Metrics"]:
        if "Expression" in metric:
            result = expressions.evaluate(metric["Expression"], values)
    return result


def _statistic(metric: dict, statistic: str, period: int) -> float | None:
    wanted = {d["Name"]: d["Value"] for d in metric.get("Dimensions") or []}
    oldest = time.time() - period
    points = [
        point
        for key, series in list(cloudwatch._metrics.items())
        if key[:2] == (metric["Namespace"], metric["MetricName"])
        for point in reversed(series)
        if point["Timestamp"] >= oldest and (point.get("Dimensions") or {}) == wanted
    ]
    if not points:
        return None
    return cloudwatch._stat_value(cloudwatch._calc_stats(points), statistic, points)


def _look(looking: threading.Event) -> None:
    while True:
        looking.wait(SECONDS_BETWEEN_LOOKS)
        looking.clear()
        contextvars.copy_context().run(cloudwatch._evaluate_all_alarms)
        time.sleep(0.2)  # points come in showers
