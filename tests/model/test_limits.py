"""What the model's parts and the functions must agree on, though neither imports the other."""

import numpy as np
import pytest

from handlers import answers, aws, outcomes
from model.serving import app, classifier
from model.training import data, evaluation


def test_class_names_may_be_as_long_for_all():
    assert data.LABEL_BYTES == classifier.LABEL_BYTES == answers.LABEL_BYTES


@pytest.mark.parametrize("threshold", [0.0, 0.5, 0.7, 0.93, 0.96, 0.9999, 1.0])
def test_a_photo_at_the_threshold_ends_alike_for_the_filter_the_training_job_and_the_report(
    threshold,
):
    """As it stands in an answer (float32 in full), in config.yml (decimal), and just beside it."""
    at = np.float32(threshold)
    beside = [np.nextafter(at, np.float32(end)) for end in (0, 1)]
    confidence = np.array([threshold, at, *beside], np.float64)
    filtered = [outcomes.judge(float(each), threshold) == outcomes.ACCEPTED for each in confidence]
    assert filtered[:2] == [True, True]
    assert filtered[2] == (threshold == 0)
    for each in (confidence, confidence.astype(np.float32)):
        assert evaluation.accepted(each, threshold).tolist() == filtered


def test_the_endpoint_takes_the_largest_array_that_the_functions_send():
    assert aws.MAX_BODY_BYTES <= app.MAX_BYTES
