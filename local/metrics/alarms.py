"""Alarms on one metric, evaluated every second, and warnings of those that never are.

MiniStack looks at an alarm when it is made and when metrics are put, takes the points of all series
of that name whatever their dimensions, and ignores TreatMissingData. Here an alarm looks at its own
dimensions, period by period.

An alarm of several `Metrics` (metric math) and a metric filter are kept, described and never
evaluated: the server's log says so, and such an alarm's StateReason. A filter pattern of JSON,
which MiniStack takes for one that matches each line, is refused.
"""

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable

from ministack.core.responses import error_response_json
from ministack.services import cloudwatch
from ministack.services import cloudwatch_logs as logs
from ministack.services.cloudformation import provisioners

from local import seams

SECONDS_BETWEEN_LOOKS = 1.0
REST = 20  # times as long as a look took: alarms take no more than a twentieth of the server
NOT_EVALUATED = "the local cloud does not evaluate metric math: SetAlarmState alone changes it"

_COMPARISONS = {
    "GreaterThanOrEqualToThreshold": float.__ge__,
    "GreaterThanThreshold": float.__gt__,
    "LessThanThreshold": float.__lt__,
    "LessThanOrEqualToThreshold": float.__le__,
}
_ONE_METRIC = ("Namespace", "MetricName", "Statistic", "ExtendedStatistic", "Period", "Dimensions")
_LOG = logging.getLogger(__name__)
_evaluating = threading.RLock()


@seams.replaces(cloudwatch, "_evaluate_alarm")
def evaluate(original: Callable, alarm: dict) -> None:
    """Bring the alarm into the state of its metric, and act on a change."""
    if not alarm.get("MetricName"):
        return
    with _evaluating:
        before = alarm["StateValue"]
        state, reason = judge(alarm, time.time())
        if state == before:
            return
        alarm.update(StateValue=state, StateReason=reason, StateUpdatedTimestamp=int(time.time()))
        cloudwatch._record_history(alarm["AlarmName"], before, state, reason)
        cloudwatch._dispatch_alarm_actions(alarm, before, state, reason)
        cloudwatch._evaluate_parent_alarms(alarm)


def judge(alarm: dict, now: float) -> tuple[str, str]:
    """The alarm's state at that moment, and why.

    It looks at whole periods, and at the one that runs as soon as there are points in it.
    """
    length, periods = alarm["Period"], alarm["EvaluationPeriods"]
    current = now // length * length
    values = statistics(alarm, since=current - periods * length)
    newest = current if current in values else current - length
    moments = [newest - length * n for n in reversed(range(periods))]
    points = [float(values[moment]) for moment in moments if moment in values]
    threshold, compare = float(alarm["Threshold"]), _COMPARISONS[alarm["ComparisonOperator"]]
    breaching, missing = sum(compare(value, threshold) for value in points), periods - len(points)
    needed = alarm.get("DatapointsToAlarm") or periods
    treatment = alarm.get("TreatMissingData") or "missing"
    reason = f"Threshold Crossed: {breaching} of {points} {alarm['ComparisonOperator']} {threshold}"
    if not points:
        reason = f"no datapoints were received for {periods} period(s)"
    if breaching + (missing if treatment == "breaching" else 0) >= needed:
        return "ALARM", reason
    if treatment == "missing" and not points:
        return "INSUFFICIENT_DATA", reason
    if treatment == "ignore" and breaching + missing >= needed:
        return alarm["StateValue"], reason
    return "OK", reason


def statistics(alarm: dict, since: float) -> dict[float, float]:
    """The alarm's statistic in each period that has points, by the period's start."""
    dimensions = cloudwatch._dims_key(cloudwatch._dims_from_list(alarm.get("Dimensions") or []))
    stat = alarm.get("ExtendedStatistic") or alarm["Statistic"]
    periods = defaultdict(list)
    key = alarm["Namespace"], alarm["MetricName"], dimensions
    for point in list(cloudwatch._metrics.get(key) or ()):
        if point["Timestamp"] >= since:
            periods[point["Timestamp"] // alarm["Period"] * alarm["Period"]].append(point)
    values = {
        moment: cloudwatch._stat_value(cloudwatch._calc_stats(points), stat, points)
        for moment, points in periods.items()
    }
    return {moment: value for moment, value in values.items() if value is not None}


@seams.replaces(cloudwatch, "_put_metric_alarm")
def put(original: Callable, parameters: dict, request: dict, is_cbor: bool, is_json: bool = False):
    """PutMetricAlarm; MiniStack drops `Metrics`."""
    answer = original(parameters, request, is_cbor, is_json)
    if request.get("Metrics") and answer[0] == 200:
        _keep(cloudwatch._alarms[request["AlarmName"]], request["Metrics"])
    return answer


@seams.replaces(provisioners, "_cw_metric_alarm_record")
def from_template(original: Callable, name: str, properties: dict) -> dict:
    """The alarm of a template's properties. MiniStack refuses `Metrics`."""
    if "Metrics" not in properties:
        return original(name, properties)
    rest = {key: value for key, value in properties.items() if key != "Metrics"}
    alarm = original(name, {**rest, "Namespace": "-", "MetricName": "-"})
    _keep(alarm, properties["Metrics"])
    return alarm


@seams.replaces(logs, "_put_metric_filter")
def put_filter(original: Callable, request: dict) -> tuple:
    """PutMetricFilter."""
    answer = original(request)
    if answer[0] == 200:
        name = request["filterName"]
        _LOG.warning("metric filter %s: the local cloud counts no log lines", name)
    return answer


@seams.replaces(logs, "_filter_log_events")
def filter_events(original: Callable, request: dict) -> tuple:
    """FilterLogEvents."""
    pattern = request.get("filterPattern", "")
    if pattern.lstrip().startswith("{"):
        message = f"The local cloud does not emulate the filter pattern {pattern}."
        return error_response_json("InvalidParameterException", message, 400)
    return original(request)


def _keep(alarm: dict, queries: list[dict]) -> None:
    for field in _ONE_METRIC:
        alarm.pop(field, None)
    alarm.update(Metrics=queries, StateReason=NOT_EVALUATED)
    _LOG.warning("alarm %s: %s", alarm["AlarmName"], NOT_EVALUATED)


def watch() -> None:
    """Evaluate the alarms of the account and region that a shell talks to, for ever."""
    while True:
        began = time.perf_counter()
        for alarm in list(cloudwatch._alarms.values()):
            try:
                cloudwatch._evaluate_alarm(alarm)
            except Exception:
                _LOG.exception("the alarm %s cannot be evaluated", alarm["AlarmName"])
        took = time.perf_counter() - began
        time.sleep(max(SECONDS_BETWEEN_LOOKS, REST * took))
