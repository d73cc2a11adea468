"""Which status a report has, and for what reasons and violations."""

from dataclasses import replace

import numpy as np
import pytest

from handlers import outcomes
from monitoring import accuracy, assessment, baseline, drift, permutation, table
from monitoring.assessment import Images
from monitoring.captures import Unreadable
from monitoring.findings import HEALTHY, NOT_ENOUGH_DATA, VIOLATION, Violation
from monitoring.ground_truth import GroundTruth
from monitoring.rules import Constraints, Rules
from tests.monitoring.frames import a_report
from tests.monitoring.simulated import frame

RULES = Rules(
    minimum_images=100,
    level=0.05,
    minimum_effects=dict.fromkeys(drift.PROPERTIES, 0.02) | {"accuracy": 0.02},
    review_share=0.6,
    threshold=0.96,
)


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(permutation, "RESAMPLES", 199)


@pytest.fixture(scope="module")
def known():
    return baseline.make(frame(400, seed=1), "a test", "s3://m/1", 100, RULES.minimum_effects)


def truth(images, share, **changes) -> GroundTruth:
    """Ground truth by which so large a share of the images is right."""
    right = np.arange(len(images)) < share * len(images)
    other = {"bicycle": "motorcycle", "motorcycle": "bicycle"}
    pairs = zip(images["image_id"], images["label"], right, strict=True)
    return GroundTruth(
        {name: label if good else other[label] for name, label, good in pairs}, **changes
    )


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
    effects = dict.fromkeys(drift.PROPERTIES, 9.0)
    tolerant = replace(known, constraints=replace(known.constraints, minimum_effects=effects))
    report = assessment.assess(Images(frame(200, seed=2, brighter=1.5)), tolerant, RULES)
    assert report.status == HEALTHY


def test_what_the_constraints_do_not_name_is_not_judged_and_that_is_noted(known):
    constraints = Constraints({"colour": 0.02, "brightness": 0.02}, {"colour": 0.95})
    current = frame(200, seed=2, brighter=1.5)
    current.loc[:99, "sharpness"] = np.nan
    report = assessment.assess(Images(current), replace(known, constraints=constraints), RULES)
    assert [item.feature_name for item in report.violations] == ["brightness"]
    assert [item.name for item in report.drifts] == ["brightness", "colour"]
    [note] = report.notes
    assert note == (
        "constraints.json does not ask for: confidence, label mix, contrast, sharpness, embedding"
    )


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
    report = assessment.assess(Images(current, truth=truth(current, share)), known, RULES)
    assert report.status == status
    assert report.accuracy.true == pytest.approx(share)
    if status == VIOLATION:
        [violation] = report.violations
        assert (violation.feature_name, violation.constraint_check_type) == (
            "accuracy",
            "LessThanThreshold",
        )


@pytest.mark.parametrize("label", ["0", "Bicycle", "cat"])
def test_labels_that_are_no_classes_are_no_accuracy(known, label):
    current = frame(200, seed=2)
    labels = GroundTruth(dict.fromkeys(current["image_id"], label))
    report = assessment.assess(Images(current, truth=labels), known, RULES)
    assert report.status == NOT_ENOUGH_DATA
    assert report.reasons == [f"200 labels are none of bicycle, motorcycle ({label})"]
    assert report.accuracy.true is None


def test_few_labels_that_are_no_classes_are_left_out_and_noted(known):
    current = frame(200, seed=2)
    labels = truth(current, 1)
    labels.labels.update(dict.fromkeys(current["image_id"][:10], "cat"))
    report = assessment.assess(Images(current, truth=labels), known, RULES)
    assert (report.status, report.accuracy.true, report.accuracy.labelled) == (HEALTHY, 1, 190)
    assert report.notes == ["10 labels are none of bicycle, motorcycle (cat)"]


def test_ground_truth_of_other_images_is_not_enough_data(known):
    labels = GroundTruth({f"nope{number}": "bicycle" for number in range(200)})
    report = assessment.assess(Images(frame(200, seed=2), truth=labels), known, RULES)
    assert report.status == NOT_ENOUGH_DATA
    assert report.reasons == [
        "none of 200 labels is of one of the images (the first is of 'nope0', an image's id is "
        "such as '2-0')"
    ]


def test_ground_truth_that_cannot_be_read_is_not_enough_data(known):
    labels = GroundTruth(unreadable=[Unreadable("truth.jsonl", 1, "it is not JSON")])
    report = assessment.assess(Images(frame(200, seed=2), truth=labels), known, RULES)
    assert report.status == NOT_ENOUGH_DATA
    assert report.reasons == ["no line of the ground truth could be read"]


def test_two_labels_of_one_image_are_noted(known):
    current = frame(200, seed=2)
    labels = truth(current, 1, relabelled=["another", "2-7"])
    report = assessment.assess(Images(current, truth=labels), known, RULES)
    assert report.status == HEALTHY
    [note] = report.notes
    assert note.endswith("of which the last one holds, have 1 of the images, such as '2-7'")


def test_the_embedding_that_no_model_computed_is_a_reason_with_a_hint(known):
    current = table.without_embeddings(frame(200, seed=2))
    report = assessment.assess(Images(current), known, RULES)
    assert report.status == NOT_ENOUGH_DATA
    [reason] = report.reasons
    assert reason.endswith("name the --model, or judge without: --no-embedding")


@pytest.mark.parametrize("confidence", [0.96, np.float32(0.96), np.nextafter(np.float32(0.96), 0)])
def test_the_filter_and_the_report_accept_alike(confidence):
    judged = outcomes.judge(float(confidence), RULES.threshold)
    [accepted] = accuracy.is_accepted(np.array([confidence]), RULES.threshold)
    assert accepted == (judged == outcomes.ACCEPTED)


def test_violations_have_model_monitors_three_members():
    report = a_report(violations=[Violation("colour", "completeness_check", "half of it")])
    assert assessment.list_violations(report) == {
        "violations": [
            {
                "feature_name": "colour",
                "constraint_check_type": "completeness_check",
                "description": "half of it",
            }
        ]
    }
