import json

import pytest

from scripts.deploy_endpoint import __main__ as deploy_endpoint
from service import config
from service.terminal import UserError
from tests.archives import tar
from tests.unit.service.memory_ecr import REPOSITORY, MemoryEcr
from tests.unit.service.memory_s3 import MemoryS3

FLOORS = {"accuracy": 0.85, "expected_calibration_error": 0.08, "accepted_strangers": 0.05}

MODEL = "s3://bucket/model.tar.gz"
METRICS = {
    "image_size": 32,
    "test": {"accuracy": 0.97, "expected_calibration_error": {"after_temperature": 0.02}},
    "validation": {"images": 160},
    "operating_point": {"threshold": 0.9, "precision_target": 0.99},
}


def metrics(accuracy=0.95, error=0.02, chance=0.01) -> dict:
    """What the gate reads of metrics.json."""
    calibration = {"after_temperature": error, "by_chance": chance}
    return {"test": {"accuracy": accuracy, "expected_calibration_error": calibration}}


def shortfalls(model: dict, threshold: float = 0.95) -> list[str]:
    strangers = deploy_endpoint.find_strangers(model, threshold)
    return deploy_endpoint.shortfalls(model, strangers, FLOORS)


def test_a_shortfall_says_which_floor_and_by_how_much():
    assert shortfalls(metrics(0.85, 0.08)) == []
    assert shortfalls(metrics(error=0.25, chance=0.2)) == []  # few photos
    assert shortfalls(metrics(accuracy=0.8)) == [
        "its accuracy of 0.8000 is 0.0500 below the floor: it must be at least 0.85"
    ]
    assert shortfalls(metrics(error=0.1234)) == [
        "its expected calibration error of 0.1234 is 0.1134 above chance: "
        "it must be at most 0.08 above"
    ]
    assert len(shortfalls(metrics(0.5, 0.5))) == 2


def strangers(accepted: float, low: float) -> dict:
    return {"strangers": {"images": 1000, "accepted": accepted, "interval": [low, 0.5]}}


def with_strangers(accepted: float, low: float, threshold: object = 0.9) -> dict:
    point = {"threshold": threshold, "test": strangers(accepted, low)}
    return metrics() | {"operating_point": point}


def test_a_model_that_accepts_too_many_strangers_is_refused_and_chance_is_allowed_for():
    assert shortfalls(with_strangers(0.004, 0.001)) == []
    assert shortfalls(with_strangers(0.25, 0.046)) == []  # one of four
    assert shortfalls(with_strangers(0.123, 0.1)) == [
        "it accepts 12.3% of the strangers: it must be at most 5.0%"
    ]


@pytest.mark.parametrize("own", [0.99, None])
def test_strangers_are_judged_at_the_measured_threshold_below_config_ymls(own, capsys):
    model = with_strangers(0.0, 0.0, own)
    measured = {0.5: 0.8, 0.9: 0.25, 0.97: 0.001}
    model["test"]["thresholds"] = [
        {"threshold": threshold, **strangers(share, share)} for threshold, share in measured.items()
    ]
    for threshold, share in ((0.4, 0.8), (0.6, 0.8), (0.95, 0.25), (0.98, 0.001), (0.97, 0.001)):
        assert deploy_endpoint.find_strangers(model, threshold).accepted == share
    assert shortfalls(model, 0.95) == ["it accepts 25.0% of the strangers: it must be at most 5.0%"]
    assert shortfalls(model, 0.98) == []
    deploy_endpoint.print_strangers(deploy_endpoint.find_strangers(model, 0.95))
    said = "25.0% of 1,000 accepted (25.0% to 50.0%), at a threshold of 0.9"
    assert said in capsys.readouterr().out


@pytest.mark.parametrize("odd", [None, {}, {"interval": []}, {"interval": "odd"}])
def test_a_model_that_knows_no_strangers_passes_and_that_is_said(capsys, odd):
    older = metrics() | {"operating_point": {"threshold": 0.9, "test": {"strangers": odd}}}
    older["test"]["thresholds"] = [{"threshold": 0.5, "strangers": odd}, {"threshold": "odd"}]
    assert shortfalls(older) == []
    deploy_endpoint.print_strangers(deploy_endpoint.find_strangers(older, 0.95))
    assert "not known: metrics.json has none" in capsys.readouterr().out


INFINITE, NAN = float("inf"), float("nan")


NO_FIGURES = [metrics(None, "good"), metrics(True, False), metrics(INFINITE, -INFINITE)]


@pytest.mark.parametrize("odd", [None, {}, {"test": None}, {"test": {}}, *NO_FIGURES])
def test_metrics_that_do_not_say_are_shortfalls(odd):
    missed = shortfalls(odd)
    assert len(missed) == 2
    assert all("does not say" in reason for reason in missed)
    assert len(shortfalls(metrics(NAN, NAN))) == 2


def holding(model: bytes | None) -> MemoryS3:
    s3 = MemoryS3()
    if model is not None:
        s3.objects["model.tar.gz"] = model
    return s3


def test_the_metrics_are_read_out_of_the_archive():
    archive = tar({"model.onnx": b"model", "metrics.json": json.dumps(metrics()).encode()})
    assert deploy_endpoint.read_metrics(holding(archive), MODEL) == metrics()


@pytest.mark.parametrize(
    ("archive", "reason"),
    [
        (tar({"model.onnx": b"model"}), "holds no metrics.json"),
        (tar({"metrics.json": b"accuracy: 1"}), "is not JSON"),
        (b"no archive", "cannot be read"),
        (None, "There is no s3://bucket/model.tar.gz"),
    ],
)
def test_an_archive_without_readable_metrics_is_named(archive, reason):
    with pytest.raises(UserError, match=reason):
        deploy_endpoint.read_metrics(holding(archive), MODEL)


@pytest.fixture(autouse=True)
def threshold(monkeypatch):
    settings = {**config.load(), "threshold": 0.95}
    monkeypatch.setattr(config, "load", lambda: settings)


def check(force: bool = False, **changes) -> None:
    deploy_endpoint.check_model(METRICS | changes, MODEL, "prod", force)


def test_a_model_below_the_floors_is_refused_unless_forced(capsys):
    poor = metrics(accuracy=0.5)
    with pytest.raises(UserError, match=r"not deployed: its accuracy of 0\.5000 .*--force"):
        check(**poor)
    check(force=True, **poor)
    assert "deployed by --force" in capsys.readouterr().err


def test_the_threshold_is_set_beside_the_models_own(capsys):
    check()
    said = capsys.readouterr()
    own = "0.9 reaches 99 % precision on its 160 validation photos"
    assert f"0.95 in config.yml; the model's own: {own}" in said.out
    assert said.err == ""


def test_a_threshold_below_the_models_own_is_warned_of_and_not_refused(capsys):
    check(operating_point={"threshold": 0.9731, "precision_target": 0.99})
    (warning,) = capsys.readouterr().err.splitlines()
    assert "`threshold: 0.9731`" in warning
    assert "sls deploy --stage prod" in warning


NO_NUMBERS = (None, "0.97", True, NAN, INFINITE, 10**400)
POINT = METRICS["operating_point"]


@pytest.mark.parametrize(
    "odd",
    [
        {"operating_point": None},
        {"operating_point": {"threshold": 0.97}},
        {"validation": None},
        *({"operating_point": POINT | {"threshold": value}} for value in NO_NUMBERS),
        {"operating_point": POINT | {"precision_target": "0.99"}},
    ],
)
def test_a_threshold_that_is_missing_or_no_number_is_said_and_not_warned_of(odd, capsys):
    check(**odd)
    said = capsys.readouterr()
    assert "0.95 in config.yml; the model has none of its own (metrics.json)" in said.out
    assert said.err == ""


@pytest.mark.parametrize("odd", [None, 64, "32"])
def test_a_model_of_another_size_is_refused_even_by_force_and_that_says_what_to_do(odd):
    with pytest.raises(UserError, match=r"image\.size in config\.yml is 32: .*scripts\.train"):
        check(force=True, image_size=odd)


def test_an_empty_image_is_refused_and_not_the_newest():
    with pytest.raises(UserError, match="'' is no image"):
        deploy_endpoint.choose_image(MemoryEcr(), REPOSITORY, "", "dev")
