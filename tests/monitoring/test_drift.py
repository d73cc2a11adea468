"""What is compared, how large it must be, and what cannot be compared."""

import numpy as np
import pytest

from monitoring import drift, permutation, table
from tests.monitoring.frames import simulate

EFFECTS = dict.fromkeys(drift.PROPERTIES, 0.1) | {"confidence": 0.01, "embedding": 0.01}
LEVEL = 0.05


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(permutation, "RESAMPLES", 199)


def measure(current, effects=EFFECTS, baseline=None, level=LEVEL):
    if baseline is None:
        baseline = simulate(200, seed=1)
    drifts, reasons = drift.measure(baseline, current, effects, level, minimum_images=50)
    return {item.name: item for item in drifts}, reasons


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({}, []),
        ({"surer": 3.0}, ["confidence"]),
        ({"bicycles": 0.9}, ["label"]),
        ({"brighter": 1.5}, ["brightness"]),
        ({"moved": 0.6}, ["embedding"]),
    ],
)
def test_what_changed_is_what_is_violated(change, names):
    drifts, reasons = measure(simulate(100, seed=2, **change))
    assert (list(drifts), reasons) == (list(drift.PROPERTIES), [])
    assert [item.name for item in drifts.values() if item.violated] == names
    assert all(drifts[name].effect > drifts[name].band[1] for name in names)


def test_a_feature_moves_in_the_baselines_standard_deviations():
    brightness = measure(simulate(150, seed=2, brighter=1.5))[0]["brightness"]
    assert brightness.effect == pytest.approx(1.5, abs=0.25)
    assert brightness.current_mean - brightness.baseline_mean == pytest.approx(0.15, abs=0.03)
    assert (brightness.baseline, brightness.current) == (200, 150)


def test_what_is_too_small_to_matter_is_no_violation():
    drifts, _ = measure(simulate(100, seed=2, brighter=1.5), {**EFFECTS, "brightness": 3.0})
    assert drifts["brightness"].p_value < 0.01
    assert not drifts["brightness"].violated
    assert drifts["brightness"].verdict == "above, tolerated"


def test_the_level_is_shared_between_the_properties(monkeypatch):
    null = np.linspace(0, 1, 101)

    def compare(baseline, current):
        return permutation.Comparison(effect=5.0, null=null, p_value=LEVEL / 5)

    surely = drift.PROPERTIES["brightness"]._replace(compare=compare)
    monkeypatch.setitem(drift.PROPERTIES, "brightness", surely)
    drifts, _ = measure(simulate(100, seed=2))
    assert not drifts["brightness"].violated  # 1/5 of the level, shared by seven
    assert drifts["brightness"].band == pytest.approx((LEVEL / 7, 1 - LEVEL / 7))
    drifts, _ = measure(simulate(100, seed=2), level=LEVEL * 7 / 5 + 1e-9)
    assert drifts["brightness"].violated


def test_a_baseline_without_spread_is_compared_in_the_features_own_unit():
    baseline = simulate(200, seed=1).assign(colour=0.0)
    drifts, _ = measure(simulate(100, seed=2).assign(colour=0.7), baseline=baseline)
    assert drifts["colour"].effect == pytest.approx(0.7)


def test_a_property_is_compared_if_both_sides_know_it_and_an_effect_is_named():
    whole, bare = simulate(100, seed=2), table.without_embeddings(simulate(100, seed=2))
    drifts, reasons = measure(bare)
    assert set(drifts) == set(drift.PROPERTIES) - {"embedding"}
    assert reasons == [
        "embedding: known of 200 of the baseline's photos and of 0 of these, 50 of each are needed"
    ]
    drifts, reasons = measure(whole, baseline=bare)
    assert (set(drifts), reasons) == (set(drift.PROPERTIES) - {"embedding"}, [])
    drifts, reasons = measure(whole, {"colour": 0.1, "label": 0.1})
    assert (list(drifts), reasons) == (["label", "colour"], [])


def test_many_photos_are_sampled(monkeypatch):
    for name, item in drift.PROPERTIES.items():
        most = 40 if name == "embedding" else 60  # of 50 that are needed
        monkeypatch.setitem(drift.PROPERTIES, name, item._replace(most=most))
    current = simulate(100, seed=2)
    drifts, reasons = measure(current)
    assert reasons == []
    assert {item.current for item in drifts.values()} == {60, 40}
    assert drifts["label"].current == drifts["brightness"].baseline == 60
    assert drifts["brightness"].current_mean == pytest.approx(current["brightness"].mean())
