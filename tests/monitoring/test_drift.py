"""Distances between samples, what chance makes of them, and what is compared of photos."""

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import cdist

from monitoring import drift, table
from tests.monitoring.frames import simulate

EFFECTS = dict.fromkeys(drift.PROPERTIES, 0.1) | {"confidence": 0.01, "embedding": 0.01}
LEVEL = 0.05


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(drift, "RESAMPLES", 199)


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.mark.parametrize(("first", "second"), [(40, 25), (2, 30)])
def test_the_wasserstein_distance_is_scipys(rng, first, second):
    baseline, current = rng.gamma(2, 1, first), rng.normal(1, 2, second)
    result = drift.wasserstein(baseline, current)
    assert result.effect == pytest.approx(stats.wasserstein_distance(baseline, current))


def test_total_variation_is_the_share_that_would_need_another_label():
    baseline = np.array(["a"] * 8 + ["b"] * 2)
    current = np.array(["a"] * 5 + ["b"] * 3 + ["new"] * 2)
    assert drift.total_variation(baseline, current).effect == pytest.approx(0.3)


def test_the_energy_coefficient_is_what_its_definition_gives(rng):
    baseline, current = rng.normal(size=(30, 5)), rng.normal(0.4, 1.5, (20, 5))
    between = cdist(baseline, current).mean()
    apart = 2 * between - cdist(baseline, baseline).mean() - cdist(current, current).mean()
    result = drift.energy(baseline, current)
    assert result.effect == pytest.approx(apart / (2 * between), rel=1e-4)
    distant = drift.energy(np.zeros((20, 3)), np.full((10, 3), 9.0))
    assert distant.effect == pytest.approx(1)


@pytest.mark.parametrize("compare", [drift.wasserstein, drift.energy])
def test_equal_values_are_no_distance(compare):
    shape = (30, 3) if compare is drift.energy else 30
    result = compare(np.full(shape, 0.3), np.full(shape, 0.3))
    assert (result.effect, result.p_value) == (0, 1)


def test_a_small_p_value_counts_the_effect_itself_among_the_splits(rng):
    result = drift.wasserstein(rng.normal(size=200), rng.normal(5, 1, 200))
    assert result.p_value == pytest.approx(1 / (drift.RESAMPLES + 1))
    assert result.effect > result.null.max()


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
    without_spread = simulate(200, seed=1).assign(colour=0.0)
    drifts, _ = measure(simulate(100, seed=2).assign(colour=0.7), baseline=without_spread)
    assert drifts["colour"].effect == pytest.approx(0.7)


def test_what_is_too_small_to_matter_is_no_violation():
    drifts, _ = measure(simulate(100, seed=2, brighter=1.5), {**EFFECTS, "brightness": 3.0})
    assert drifts["brightness"].p_value < 0.01
    assert not drifts["brightness"].violated
    assert drifts["brightness"].verdict == "above, tolerated"


def test_the_level_is_shared_between_the_properties(monkeypatch):
    found = drift.Comparison(effect=5.0, null=np.linspace(0, 1, 101), p_value=LEVEL / 5)
    surely = drift.PROPERTIES["brightness"]._replace(compare=lambda *_: found)
    monkeypatch.setitem(drift.PROPERTIES, "brightness", surely)
    drifts, _ = measure(simulate(100, seed=2))
    assert not drifts["brightness"].violated  # 1/5 of the level, shared by seven
    assert drifts["brightness"].band == pytest.approx((LEVEL / 7, 1 - LEVEL / 7))
    drifts, _ = measure(simulate(100, seed=2), level=LEVEL * 7 / 5 + 1e-9)
    assert drifts["brightness"].violated


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
