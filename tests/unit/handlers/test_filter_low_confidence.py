import json
import math

import pytest

from handlers import errors
from handlers.filter_low_confidence import handler
from tests.unit.handlers.calls import CONTEXT

SURE = {"s3_key": "bike.png", "inferences": [0.93, 0.07], "label": "bicycle", "confidence": 0.93}


@pytest.mark.parametrize("threshold", [{}, {"threshold": 0.93}])
def test_a_confidence_at_the_threshold_or_above_passes(threshold):
    assert handler(SURE | threshold, CONTEXT) == SURE | threshold


@pytest.mark.parametrize(
    ("confidence", "threshold"), [(0.79, {}), (0.93, {"threshold": 0.94}), (0.0, {})]
)
def test_anything_less_is_for_a_person_as_the_log_says(confidence, threshold, log):
    with pytest.raises(errors.THRESHOLD_CONFIDENCE_NOT_MET, match="bicycle"):
        handler({**SURE, "confidence": confidence, **threshold}, CONTEXT)
    line = json.loads(log.getvalue())
    assert (line["s3_key"], line["error"]) == ("bike.png", "THRESHOLD_CONFIDENCE_NOT_MET")
    assert (line["accepted"], line["review"]) == (0, 1)


ODD = [("label", None), ("confidence", "0.93"), ("confidence", True), ("confidence", math.nan)]
ODD += [("threshold", 1.5), ("threshold", None), ("threshold", False)]
JUNK = [None, {"label": "bicycle"}, {"confidence": 0.9}]


@pytest.mark.parametrize("event", [*JUNK, *({**SURE, name: value} for name, value in ODD)])
def test_junk_events_are_invalid_input(event):
    with pytest.raises(errors.InvalidInput, match=r"event|label|confidence|threshold"):
        handler(event, CONTEXT)
