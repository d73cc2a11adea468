"""What the metric filters of resources/logs.yml count of the lines that the filter logs."""

import contextlib
import json
import re
from pathlib import Path

import yaml

from handlers import errors
from handlers.filter_low_confidence import handler
from tests.unit.handlers.calls import CONTEXT

RESOURCES = yaml.safe_load((Path(__file__).parents[3] / "resources/logs.yml").read_text())
PHOTO = {"s3_key": "bike.png", "label": "bicycle"}


def matches(pattern: str, line: str) -> bool:
    """Whether a line has the field that a pattern `{ $.field = * }` asks for."""
    return re.fullmatch(r"\{ \$\.(\w+) = \* \}", pattern)[1] in json.loads(line)


def counted(lines: list[str]) -> dict[str, float]:
    """The sums of the metrics that the filters make of the lines."""
    sums: dict[str, float] = {}
    for resource in RESOURCES["Resources"].values():
        if resource["Type"] != "AWS::Logs::MetricFilter":
            continue
        assert resource["Properties"]["LogGroupName"] == {"Ref": "FilterLowConfidenceLogGroup"}
        [metric] = resource["Properties"]["MetricTransformations"]
        field = metric["MetricValue"].removeprefix("$.")
        matching = [x for x in lines if matches(resource["Properties"]["FilterPattern"], x)]
        sums[metric["MetricName"]] = sum(json.loads(line)[field] for line in matching)
    return sums


def logged(log, *events: object) -> list[str]:
    """The lines that the filter logs for these events."""
    for event in events:
        with contextlib.suppress(errors.HandlerError):
            handler(event, CONTEXT)
    return log.getvalue().splitlines()


CONFIDENCES = (0.93, 0.5, 0.9, 0.1, 0.2)
ITEMS = [{**PHOTO, "confidence": confidence} for confidence in CONFIDENCES]


def test_photos_of_classify_are_counted_one_by_one_and_those_of_a_batch_together(log):
    assert counted(logged(log, *ITEMS)) == {"ImagesAccepted": 2, "ImagesInReview": 3}
    failed = {"s3_key": "cut.png", "error": "InvalidImage", "cause": "it is damaged"}
    lines = logged(log, {"Items": [*ITEMS, failed]}, {"Items": ITEMS[:1]})[len(ITEMS) :]
    assert len(lines) == 2
    assert counted(lines) == {"ImagesAccepted": 3, "ImagesInReview": 3}


def test_a_call_that_is_refused_counts_nothing(log):
    (line,) = logged(log, {**PHOTO, "confidence": "high"})
    assert "InvalidInput" in line
    assert counted([line]) == {"ImagesAccepted": 0, "ImagesInReview": 0}
