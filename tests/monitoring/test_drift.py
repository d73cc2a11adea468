"""What is compared, how large it must be, and what cannot be compared."""

import numpy as np
import pytest

from monitoring import drift, permutation, table
from tests.monitoring.simulated import frame

EFFECTS = dict.fromkeys(drift.PROPERTIES, 0.1) | {"confidence": 0.01, "embedding": 0.01}
LEVEL = 0.05


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(permutation, "RESAMPLES", 199)


def measure(current, effects=EFFECTS, baseline=None, level=LEVEL):
    if baseline is None:
        baseline = frame(200, seed=1)
    found, reasons = drift.measure(baseline, current, effects, level, minimum_images=50)
    return {item.name: item for item in found}, reasons


def test_every_property_is_compared_in_the_order_of_its_groups():
    found, reasons = measure(frame(100, seed=2))
    assert list(found) == list(drift.PROPERTIES)
    assert reasons == []
    groups = [item.group for item in found.values()]
    assert groups == ["confidence", "label mix", *["feature"] * 4, "embedding"]
    assert not any(item.violated for item in found.values())


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"surer": 3.0}, "confidence"),
        ({"bicycles": 0.9}, "label"),
        ({"brighter": 1.5}, "brightness"),
        ({"moved": 0.6}, "embedding"),
    ],
)
def test_what_changed_is_what_is_violated(change, name):
    found, _ = measure(frame(100, seed=2, **change))
    assert [item.name for item in found.values() if item.violated] == [name]
    assert found[name].effect > found[name].band[1]


def test_a_feature_moves_in_the_baselines_standard_deviations():
    found, _ = measure(frame(150, seed=2, brighter=1.5))
    brightness = found["brightness"]
    assert brightness.effect == pytest.approx(1.5, abs=0.25)
    assert brightness.current_value - brightness.baseline_value == pytest.approx(0.15, abs=0.03)
    assert (brightness.baseline, brightness.current) == (200, 150)


def test_what_is_too_small_to_matter_is_no_violation():
    current = frame(100, seed=2, brighter=1.5)
    found, _ = measure(current, {**EFFECTS, "brightness": 3.0})
    assert found["brightness"].p_value < 0.01
    assert not found["brightness"].violated


def test_the_level_is_shared_between_the_properties(monkeypatch):
    null = np.linspace(0, 1, 101)

    def surely(baseline, current):
        return permutation.Comparison(effect=5.0, null=null, p_value=LEVEL / 5)

    surely = drift.PROPERTIES["brightness"]._replace(compare=surely)
    monkeypatch.setitem(drift.PROPERTIES, "brightness", surely)
    found, _ = measure(frame(100, seed=2))
    assert not found["brightness"].violated  # 1/5 of the level, shared by seven
    assert found["brightness"].band == pytest.approx((LEVEL / 7, 1 - LEVEL / 7))
    found, _ = measure(frame(100, seed=2), level=LEVEL * 7 / 5 + 1e-9)
    assert found["brightness"].violated


def test_a_baseline_without_spread_is_compared_in_the_features_own_unit():
    baseline = frame(200, seed=1)
    baseline["colour"] = 0.0
    current = frame(100, seed=2)
    current["colour"] = 0.7
    found, _ = measure(current, baseline=baseline)
    assert found["colour"].effect == pytest.approx(0.7)


def test_what_the_baseline_has_and_the_images_lack_is_named():
    current = frame(100, seed=2)
    current.loc[40:, "sharpness"] = np.nan
    current = current[[name for name in current if not name.startswith(table.EMBEDDING)]]
    found, reasons = measure(current)
    assert set(found) == set(drift.PROPERTIES) - {"sharpness", "embedding"}
    assert len(reasons) == 2
    assert "sharpness: known of 40 images" in reasons[0]
    assert "embedding: known of 0 images" in reasons[1]


def test_what_no_effect_is_named_for_is_not_compared():
    found, reasons = measure(frame(100, seed=2), {"colour": 0.1, "label": 0.1})
    assert (list(found), reasons) == (["label", "colour"], [])


def test_images_that_could_not_be_read_do_not_count():
    current = frame(120, seed=2)
    current.loc[:19, [name for name in current if name.startswith(table.EMBEDDING)]] = np.nan
    current.loc[:9, "brightness"] = np.nan
    found, _ = measure(current)
    assert (found["embedding"].current, found["brightness"].current) == (100, 110)


def test_many_images_are_sampled(monkeypatch):
    for name, asked in drift.PROPERTIES.items():
        most = 40 if name == "embedding" else 60  # of 50 that are asked for and known
        monkeypatch.setitem(drift.PROPERTIES, name, asked._replace(most=most))
    current = frame(100, seed=2)
    found, reasons = measure(current)
    assert reasons == []
    assert {item.current for item in found.values()} == {60, 40}
    assert found["label"].current == found["brightness"].baseline == 60
    assert found["brightness"].current_value == pytest.approx(current["brightness"].mean())
