"""Alarms: looked at soon after points arrive, and when time passes.

MiniStack looks at an alarm when it is made and when metrics are put, takes the points of all
series of that name whatever their dimensions, ignores TreatMissingData, and refuses metric math.
"""

import contextvars
import logging
import threading
import time
from collections.abc import Callable

from ministack.core import responses
from ministack.services import cloudwatch
from ministack.services.cloudformation import provisioners

from local import seams
from local.metrics import evaluation, expressions, store

SECONDS_BETWEEN_LOOKS = 1.0
SECONDS_AFTER_POINTS = 0.1  # so that a thousand invocations are one look
REST = 20  # times as long as a look took: alarms take no more than a twentieth of the server

_logger = logging.getLogger(__name__)
_points_arrived = threading.Event()
_evaluating = threading.RLock()


def install() -> None:
    """Evaluate alarms as AWS does."""
    seams.replace(cloudwatch, "_evaluate_alarm", evaluate)
    seams.replace(cloudwatch, "_put_metric_alarm", put)
    seams.replace(provisioners, "_cw_metric_alarm_record", from_template)
    store.listen(_points_arrived.set)
    threading.Thread(target=_watch, name="alarms", daemon=True).start()


def evaluate(original: Callable, alarm: dict) -> None:
    """Bring the alarm into the state that its metrics say, and act on a change."""
    if not alarm.get("Metrics") and not alarm.get("MetricName"):
        return  # it is about to get its Metrics
    with _evaluating:
        before = alarm["StateValue"]
        state, reason = evaluation.state_of(alarm, time.time())
        if state == before:
            return
        alarm.update(StateValue=state, StateReason=reason, StateUpdatedTimestamp=int(time.time()))
        cloudwatch._record_history(alarm["AlarmName"], before, state, reason)
        cloudwatch._dispatch_alarm_actions(alarm, before, state, reason)
        cloudwatch._evaluate_parent_alarms(alarm)


def put(original: Callable, parameters: dict, request: dict, is_cbor: bool, is_json: bool = False):
    """PutMetricAlarm; MiniStack drops `Metrics`."""
    metrics = request.get("Metrics")
    if not metrics:
        return original(parameters, request, is_cbor, is_json)
    try:
        check(metrics)
    except expressions.UnknownExpressionError as error:
        return cloudwatch._error(
            "ValidationError", str(error), 400, use_json=is_json, use_cbor=is_cbor
        )
    answer = original(parameters, request, is_cbor, is_json)
    if answer[0] == 200:
        alarm = cloudwatch._alarms[request["AlarmName"]]
        _of_metrics(alarm, metrics)
        evaluate(original, alarm)
    return answer


def from_template(original: Callable, name: str, properties: dict) -> dict:
    """The alarm of a template's properties. MiniStack refuses `Metrics`."""
    metrics = properties.get("Metrics")
    if not metrics:
        return original(name, properties)
    check(metrics)
    rest = {key: value for key, value in properties.items() if key != "Metrics"}
    alarm = original(name, {**rest, "Namespace": "-", "MetricName": "-"})
    _of_metrics(alarm, metrics)
    return alarm


def check(queries: list[dict]) -> None:
    """Raise UnknownExpressionError for metric math that is not emulated."""
    names = [query["Id"] for query in queries if "MetricStat" in query]
    for query in evaluation.in_order(queries):
        expressions.check(query["Expression"], names)
        names.append(query["Id"])
    if sum(query.get("ReturnData", True) in (True, "true") for query in queries) != 1:
        raise expressions.UnknownExpressionError("exactly one of an alarm's Metrics returns data")


def _of_metrics(alarm: dict, queries: list[dict]) -> None:
    for own in (
        "Namespace",
        "MetricName",
        "Statistic",
        "ExtendedStatistic",
        "Period",
        "Dimensions",
    ):
        alarm.pop(own, None)
    alarm["Metrics"] = [
        {**query, "ReturnData": query.get("ReturnData", True) in (True, "true")}
        for query in queries
    ]


def _watch() -> None:
    while True:
        _points_arrived.wait(SECONDS_BETWEEN_LOOKS)
        time.sleep(SECONDS_AFTER_POINTS)
        _points_arrived.clear()
        began = time.perf_counter()
        for account, region in {key[:2] for key in list(cloudwatch._alarms._data)}:
            contextvars.Context().run(_evaluate_all, account, region)
        time.sleep(REST * (time.perf_counter() - began))


def _evaluate_all(account: str, region: str) -> None:
    responses._request_account_id.set(account)
    responses._request_region.set(region)
    for alarm in cloudwatch._alarms.values():
        try:
            cloudwatch._evaluate_alarm(alarm)
        except Exception:
            _logger.exception("the alarm %s cannot be evaluated", alarm["AlarmName"])
