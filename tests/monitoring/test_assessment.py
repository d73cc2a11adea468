"""Which status a report has, and for what reasons and violations."""

from dataclasses import replace

import numpy as np
import pytest

from monitoring import assessment, baseline, drift, permutation
from monitoring.assessment import Images
from monitoring.findings import HEALTHY, NOT_ENOUGH_DATA, VIOLATION
from monitoring.rules import Rules
from service import config
from tests.monitoring.simulated import frame

RULES = Rules(
    minimum_images=100,
    level=0.05,
    minimum_effects=dict.fromkeys(drift.properties(), 0.02) | {"accuracy": 0.02},
    review_share=0.6,
    threshold=0.96,
)


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(permutation, "RESAMPLES", 199)


@pytest.fixture(scope="module")
def known():
    return baseline.make(frame(400, seed=1), "a test", "s3://m/1", 100, RULES.minimum_effects)


def labels(images, share):
    """Ground truth by which so large a share of the images is right."""
    right = np.arange(len(images)) < share * len(images)
    return {
        image_id: label if good else "something else"
        for image_id, label, good in zip(images["image_id"], images["label"], right, strict=True)
    }


def test_a_quiet_week_is_healthy(known):
    report = assessment.assess(Images(frame(200, seed=2), model="s3://m/1"), known, RULES)
    assert report.status == HEALTHY
    assert (report.reasons, report.violations) == ([], [])
    assert len(report.drifts) == 7
    assert report.images == 200


def test_what_drifted_is_told_with_its_size_its_band_and_its_images(known):
    report = assessment.assess(Images(frame(200, seed=2, brighter=1.5)), known, RULES)
    assert report.status == VIOLATION
    [violation] = report.violations
    assert (violation.feature_name, violation.constraint_check_type) == (
        "brightness",
        "baseline_drift_check",
    )
    [drifted] = [item for item in report.drifts if item.violated]
    for words in (
        f"{drifted.effect:.3g} baseline standard deviations",
        f"mean {drifted.baseline_value:.3g} before and {drifted.current_value:.3g} now",
        f"{drifted.band[0]:.2g} to {drifted.band[1]:.2g}",
        "200 images against 400",
    ):
        assert words in violation.description


@pytest.mark.parametrize(("unreadable", "status"), [(10, HEALTHY), (11, NOT_ENOUGH_DATA)])
def test_with_many_records_unread_the_others_are_not_healthy(known, unreadable, status):
    images = Images(frame(200, seed=2), records=190, unreadable=unreadable)
    report = assessment.assess(images, known, RULES)
    assert report.status == status
    assert len(report.drifts) == 7
    if status == NOT_ENOUGH_DATA:
        assert report.reasons == ["11 of 201 records could not be read"]


def test_of_too_few_images_nothing_is_said(known):
    report = assessment.assess(Images(frame(99, seed=2, brighter=5)), known, RULES)
    assert report.status == NOT_ENOUGH_DATA
    assert report.reasons == ["99 images were captured, at least 100 are needed"]
    assert (report.drifts, report.violations) == ([], [])


def test_no_images_at_all_are_not_healthy(known):
    report = assessment.assess(Images(frame(0, seed=2)), known, RULES)
    assert report.status == NOT_ENOUGH_DATA
    assert (report.accuracy, report.share_accepted) == (None, None)


def test_without_a_baseline_a_calm_report_is_not_healthy():
    report = assessment.assess(Images(frame(200, seed=2)), None, RULES)
    assert report.status == NOT_ENOUGH_DATA
    assert report.reasons == ["there is no baseline; make one: python -m scripts.monitor baseline"]
    assert report.accuracy.expected_baseline is None


def test_without_a_baseline_what_needs_none_is_a_violation_all_the_same():
    current = frame(200, seed=2, surer=2)
    report = assessment.assess(Images(current), None, RULES)
    assert report.status == VIOLATION
    assert [item.feature_name for item in report.violations] == ["review_share"]
    assert "no baseline" in report.reasons[0]


def test_another_models_baseline_is_not_held_against_the_images(known):
    report = assessment.assess(
        Images(frame(200, seed=2, brighter=5), model="s3://m/2"), known, RULES
    )
    assert report.status == NOT_ENOUGH_DATA
    assert "s3://m/1" in report.reasons[0]
    assert "s3://m/2" in report.reasons[0]
    assert report.drifts == []


def test_images_of_other_classes_need_another_baseline(known):
    current = frame(200, seed=2).rename(columns={"probability:bicycle": "probability:bus"})
    report = assessment.assess(Images(current), known, RULES)
    assert report.status == NOT_ENOUGH_DATA
    assert "bicycle, motorcycle" in report.reasons[0]


def test_a_property_that_is_no_longer_known_is_no_health(known):
    current = frame(200, seed=2)
    current["colour"] = np.nan
    report = assessment.assess(Images(current), known, RULES)
    assert report.status == NOT_ENOUGH_DATA
    assert report.reasons == ["colour: known of 0 images, 100 are needed"]
    assert len(report.drifts) == 6


@pytest.mark.parametrize(("unknown", "names"), [(10, []), (30, ["colour"])])
def test_a_property_known_of_fewer_images_than_the_constraints_ask(known, unknown, names):
    current = frame(200, seed=2)
    current.loc[: unknown - 1, "colour"] = np.nan
    report = assessment.assess(Images(current), known, RULES)
    assert [item.feature_name for item in report.violations] == names
    assert all(item.constraint_check_type == "completeness_check" for item in report.violations)


def test_constraints_that_somebody_edited_hold(known):
    features = [
        feature
        | {"monitoringConfigOverrides": {"distribution_constraints": {"comparison_threshold": 9}}}
        for feature in known.constraints["features"]
    ]
    tolerant = replace(known, constraints={**known.constraints, "features": features})
    report = assessment.assess(Images(frame(200, seed=2, brighter=1.5)), tolerant, RULES)
    assert report.status == HEALTHY


@pytest.mark.parametrize(("bound", "status"), [(0.6, HEALTHY), (0.35, HEALTHY), (0.2, VIOLATION)])
def test_the_share_in_review_has_a_bound(known, bound, status):
    current = frame(200, seed=2)
    share = (current["confidence"] < RULES.threshold).mean()
    assert 0.35 < share < 0.42  # above 0.35, but not by more than chance
    report = assessment.assess(Images(current), known, replace(RULES, review_share=bound))
    assert report.status == status
    assert report.share_accepted == pytest.approx(1 - share)
    if status == VIOLATION:
        [violation] = report.violations
        assert violation.constraint_check_type == "GreaterThanThreshold"
        assert f"{share:.1%}" in violation.description


@pytest.mark.parametrize(("share", "status"), [(0.97, HEALTHY), (0.8, VIOLATION)])
def test_true_accuracy_well_below_the_promise_is_a_violation(known, share, status):
    current = frame(200, seed=2)
    report = assessment.assess(Images(current, labels=labels(current, share)), known, RULES)
    assert report.status == status
    assert report.accuracy.true == pytest.approx(share)
    if status == VIOLATION:
        [violation] = report.violations
        assert (violation.feature_name, violation.constraint_check_type) == (
            "accuracy",
            "LessThanThreshold",
        )


def test_a_small_shortfall_of_many_images_is_tolerated(known):
    current = frame(200, seed=2)
    tolerant = replace(RULES, minimum_effects={**RULES.minimum_effects, "accuracy": 0.5})
    report = assessment.assess(Images(current, labels=labels(current, 0.8)), known, tolerant)
    assert report.status == HEALTHY


def test_config_yml_has_a_rule_for_every_property():
    rules = Rules.from_config(config.load())
    assert set(rules.minimum_effects) == {*drift.properties(), "accuracy"}
    assert rules.minimum_effects["sharpness"] == rules.minimum_effects["brightness"]
