"""Which status a report has, and for what reasons and violations."""

from dataclasses import replace

import numpy as np
import pytest

from handlers import outcomes
from monitoring import accuracy, assessment, baseline, drift
from monitoring.accuracy import GroundTruth
from monitoring.assessment import HEALTHY, NOT_ENOUGH_DATA, VIOLATION
from monitoring.baseline import Rules
from tests.monitoring.frames import drifts, make_report, simulate

RULES = Rules(
    minimum_images=100,
    level=0.05,
    minimum_effects=dict.fromkeys(drift.PROPERTIES, 0.02) | {"accuracy": 0.02},
    review_share=0.6,
    threshold=0.96,
)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(drift, "RESAMPLES", 199)


@pytest.fixture(scope="module")
def reference():
    return baseline.make(simulate(400, seed=1), "a test", "s3://m/1", RULES)


def judge(reference, frame, rules=RULES, **more):
    return assessment.assess(frame, reference, rules, **more)


def test_a_quiet_week_is_healthy(reference):
    report = judge(reference, simulate(200, seed=2), model="s3://m/1")
    assert (report.status, report.images, len(report.drifts)) == (HEALTHY, 200, 7)


def test_a_drift_is_described_with_its_size_its_band_and_its_photos(reference):
    report = judge(reference, simulate(200, seed=2, brighter=1.5))
    assert report.status == VIOLATION
    [violation] = report.violations
    [drifted] = [item for item in report.drifts if item.violated]
    assert (violation.name, violation.description) == (
        "brightness",
        f"brightness moved by {drifted.effect:.3g} baseline standard deviations, mean "
        f"{drifted.baseline_mean:.3g} before and {drifted.current_mean:.3g} now; chance alone "
        f"moves it by {drifted.band[0]:.2g} to {drifted.band[1]:.2g} (p 0.005, 200 photos against "
        "400)",
    )


@pytest.mark.parametrize(("unreadable", "reasons"), [(10, 0), (11, 1)])
def test_with_many_records_unread_the_others_are_not_healthy(reference, unreadable, reasons):
    report = judge(reference, simulate(200, seed=2), records=190, unreadable=unreadable)
    assert report.status == (NOT_ENOUGH_DATA if reasons else HEALTHY)
    assert report.reasons == ["11 of 201 records could not be read"] * reasons
    assert len(report.drifts) == 7


def test_nothing_but_photos_of_none_of_the_classes_is_drift_and_too_many_in_review(reference):
    frame = simulate(200, seed=2).assign(confidence=0.0, label="bicycle")
    report = judge(reference, frame)
    names = {violation.name for violation in report.violations}
    assert names == {"confidence", "label", "review_share"}
    assert report.accuracy.expected_low == report.accuracy.expected_high == 0


def test_photos_in_review_that_are_rather_of_no_class_are_counted(reference):
    frame = simulate(200, seed=2)
    report = judge(reference, frame)
    assert report.likely_strangers is None
    assert ("Review", "the model does not tell") in [
        (name, text[:23]) for name, _, text in report.figures()
    ]
    columns = ["probability:bicycle", "probability:motorcycle"]
    frame.loc[:29, columns] = np.array([0.3, 0.1])
    frame.loc[:29, "confidence"] = np.float32(0.3)
    frame.loc[30:39, columns] = np.array([0.5, 0.1])  # a class is likelier than none
    frame.loc[30:39, "confidence"] = np.float32(0.5)
    report = judge(reference, frame)
    assert report.likely_strangers == 30
    [(_, share, text)] = [figure for figure in report.figures() if figure[0] == "Review"]
    assert share == f"{1 - report.share_accepted:.1%}"
    assert text.startswith(f"30 of these {round(200 * (1 - report.share_accepted))} photos")


def test_too_few_photos_are_not_judged(reference):
    report = judge(reference, simulate(99, seed=2, brighter=5))
    assert report.status == NOT_ENOUGH_DATA
    assert report.reasons == ["99 photos were captured, at least 100 are needed"]
    assert (report.drifts, report.violations) == ([], [])


@pytest.mark.parametrize(("surer", "violations"), [(12, []), (2, ["review_share"])])
def test_without_a_baseline_only_what_needs_none_is_judged(surer, violations):
    report = judge(None, simulate(200, seed=2, surer=surer))
    assert report.status == (VIOLATION if violations else NOT_ENOUGH_DATA)
    assert [item.name for item in report.violations] == violations
    assert report.reasons == ["there is no baseline; make one: python -m scripts.monitor baseline"]


def test_another_models_baseline_is_not_held_against_the_photos(reference):
    report = judge(reference, simulate(200, seed=2, brighter=5), model="s3://m/2")
    assert (report.status, report.drifts) == (NOT_ENOUGH_DATA, [])
    assert "another model (s3://m/1; the endpoint serves s3://m/2)" in report.reasons[0]
    others = simulate(200, seed=2).rename(columns={"probability:bicycle": "probability:bus"})
    report = judge(reference, others)
    assert (report.status, report.drifts) == (NOT_ENOUGH_DATA, [])
    assert "of the classes bicycle, motorcycle, the photos of bus, motorcycle" in report.reasons[0]


def test_what_the_constraints_do_not_name_is_not_judged_and_that_is_noted(reference):
    edited = replace(reference, minimum_effects={"colour": 0.02, "brightness": 0.02})
    report = judge(edited, simulate(200, seed=2, brighter=1.5))
    assert [item.name for item in report.violations] == ["brightness"]
    assert [item.name for item in report.drifts] == ["brightness", "colour"]
    assert report.notes == [
        "constraints.json does not name: confidence, label mix, contrast, sharpness, embedding"
    ]


@pytest.mark.parametrize(("bound", "status"), [(0.6, HEALTHY), (0.35, HEALTHY), (0.2, VIOLATION)])
def test_the_share_in_review_has_a_bound(reference, bound, status):
    frame = simulate(200, seed=2)
    share = (frame["confidence"] < RULES.threshold).mean()
    assert 0.35 < share < 0.42  # above 0.35, but not by more than chance
    report = judge(reference, frame, replace(RULES, review_share=bound))
    assert report.status == status
    assert report.share_accepted == pytest.approx(1 - share)
    assert [item.name for item in report.violations] == ["review_share"] * (status == VIOLATION)
    assert all(f"{share:.1%}" in item.description for item in report.violations)


def label(frame, share, **changes) -> GroundTruth:
    """Ground truth by which so large a share of the photos is right."""
    right = np.arange(len(frame)) < share * len(frame)
    other = {"bicycle": "motorcycle", "motorcycle": "bicycle"}
    pairs = zip(frame["image_id"], frame["label"], right, strict=True)
    return GroundTruth(
        {name: label if good else other[label] for name, label, good in pairs}, **changes
    )


@pytest.mark.parametrize(("share", "violations"), [(0.97, []), (0.8, ["accuracy"])])
def test_true_accuracy_well_below_the_promise_is_a_violation(reference, share, violations):
    frame = simulate(200, seed=2)
    report = judge(reference, frame, truth=label(frame, share))
    assert report.status == (VIOLATION if violations else HEALTHY)
    assert report.accuracy.true == pytest.approx(share)
    assert [item.name for item in report.violations] == violations


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ({"2-0": "Bicycle"}, "1 labels are none of bicycle, motorcycle, other (Bicycle)"),
        (
            {"nope": "bicycle"},
            "none of 1 labels is of one of the photos (the first is of 'nope', a photo's id is "
            "such as '2-0')",
        ),
        ({}, "no line of the ground truth could be read"),
    ],
)
def test_ground_truth_that_says_nothing_of_the_photos_is_not_enough_data(reference, labels, reason):
    report = judge(reference, simulate(200, seed=2), truth=GroundTruth(labels))
    assert (report.status, report.accuracy.true) == (NOT_ENOUGH_DATA, None)
    assert report.reasons == [reason]


def test_few_labels_that_are_no_classes_and_doubled_ones_are_noted_and_other_is_wrong(reference):
    frame = simulate(200, seed=2)
    truth = label(frame, 1, relabelled={"another", "2-7"})
    truth.labels.update(dict.fromkeys(frame["image_id"][:10], "cat"))
    truth.labels.update(dict.fromkeys(frame["image_id"][10:48], "other"))  # is wrong
    report = judge(reference, frame, truth=truth)
    assert (report.accuracy.true, report.accuracy.labelled) == (0.8, 190)
    assert (report.status, report.reasons) == (VIOLATION, [])
    assert report.notes == [
        "1 of the photos, such as '2-7', have two labels or more, of which the last one holds",
        "10 labels are none of bicycle, motorcycle, other (cat)",
    ]


@pytest.mark.parametrize("confidence", [0.96, np.float32(0.96), np.nextafter(np.float32(0.96), 0)])
def test_the_filter_and_the_report_accept_alike(confidence):
    judged = outcomes.judge(float(confidence), RULES.threshold)
    [accepted] = accuracy.is_accepted(np.array([confidence]), RULES.threshold)
    assert accepted == (judged == outcomes.ACCEPTED)


def test_the_figures_stand_beside_what_to_hold_them_against():
    figures = make_report(drifts=drifts("brightness")[2:3]).figures()
    assert figures == [
        ("Photos", "5,000", ""),
        ("Unreadable", "2", "records"),
        ("Accepted", "72.0%", "confidence of 0.96 or more"),
        (
            "Review",
            "28.0%",
            "310 of these 1,400 photos show none of the classes rather than any, as the model sees "
            "it",
        ),
        ("Drifted", "1 of 1", "properties compared"),
        (
            "Expected",
            "95.1%",
            "94.8% to 95.4% right, if the photos are like those that the model learned from; the "
            "drift speaks against it",
        ),
        ("True", "88.6%", "85.9% to 90.8% right of 640 labelled, 90.4% expected of them"),
    ]
    [against] = [text for name, _, text in make_report(drifts=drifts()).figures() if "Exp" in name]
    assert against.endswith("like those that the model learned from")
