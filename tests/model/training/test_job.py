"""train.py as a job: what it reads, what it leaves, and how it fails."""

import contextlib
import io
import json
import re
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper

from model.training import evaluation, export
from model.training import fit as training_fit
from model.training import job as training_job
from model.training import network as training_network
from model.training.data import Dataset, JobError
from tests.model import channels

PICTURES = ("learning.png", "reliability.png", "coverage.png", "confusion.png", "strangers.png")


def run(argv: list[str]) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of train.py in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = training_job.main(argv)
    return status, out.getvalue(), err.getvalue()


def read_metrics(folder: Path) -> dict:
    return json.loads((folder / "model" / "metrics.json").read_text())


@pytest.fixture(scope="module", autouse=True)
def few_hard_strangers():
    """Fewer than the channels have, so that it matters which are the hardest."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training_fit, "HARDEST", 12)
        yield


@pytest.fixture(scope="module")
def job(tmp_path_factory) -> tuple[Path, str]:
    """The folder and the log of a job of three epochs."""
    folder = tmp_path_factory.mktemp("job")
    argv = channels.arguments(channels.write(folder / "channels"), folder)
    options = ["--epochs", "3", "--batch-size", "16", "--seed", "3", "--learning-rate", "0.04"]
    status, log, errors = run([*argv, *options])
    assert status == 0, errors
    return folder, log


def ask(folder: Path, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities and embeddings by the exported model."""
    session = onnxruntime.InferenceSession(folder / "model" / "model.onnx")
    return session.run(["probabilities", "embedding"], {"images": images})


def test_job_leaves_model_classes_metrics_and_plots(job):
    folder, _ = job
    made = [path.name for part in ("model", "output") for path in (folder / part).iterdir()]
    model = ("model.onnx", "classes.json", "metrics.json")
    assert sorted(made) == sorted([*model, "epochs.csv", "predictions.npz", *PICTURES])
    assert json.loads((folder / "model" / "classes.json").read_text()) == channels.CLASSES
    metrics = read_metrics(folder)
    assert metrics["images"] == channels.SIZES
    assert metrics["strangers"] == dict.fromkeys(channels.SIZES, channels.STRANGERS)
    assert metrics["image_size"] == 16
    assert metrics["onnx_difference"] <= export.ONNX_TOLERANCE
    for name in ("validation", "test"):
        low, high = metrics[name]["accuracy_interval"]
        assert 0 <= low <= metrics[name]["accuracy"] <= high + 1e-12 <= 1 + 1e-12
    rows = (folder / "output" / "epochs.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["epoch", "1", "2", "3"]


def test_metrics_and_predictions_are_those_of_the_exported_model(job):
    folder, _ = job
    metrics, found = read_metrics(folder), {}
    for seed, name in ((1, "validation"), (2, "test")):
        data = channels.arrays(channels.SIZES[name], seed)
        probabilities, _ = found[name] = ask(folder, data["images"])
        strangers, _ = ask(folder, data["strangers"])
        right = probabilities.argmax(1) == data["labels"]
        assert metrics[name]["accuracy"] == pytest.approx(right.mean())
        point = metrics["operating_point"]
        accepted = probabilities.max(1) >= point["threshold"]
        at = point["test"] if name == "test" else point
        assert at["coverage"] == pytest.approx(accepted.mean())
        wrong = (strangers.max(1) >= point["threshold"]).mean() + (accepted & ~right).mean()
        assert 1 - at["precision"] == pytest.approx(wrong / (wrong + (accepted & right).mean()))
        assert at["strangers"]["images"] == channels.STRANGERS
    assert point["precision"] >= point["precision_target"] == 0.99
    calibration = evaluation.Calibration(metrics["temperature"], metrics["stranger_bias"])
    with np.load(folder / "output" / "predictions.npz", allow_pickle=False) as predictions:
        logits, labels = predictions["logits"], predictions["labels"]
        assert predictions["strangers"].shape == (channels.STRANGERS, 3)
    np.testing.assert_allclose(calibration.apply(logits), found["validation"][0], atol=1e-4)
    np.testing.assert_array_equal(labels, channels.arrays(24, 1)["labels"])


def test_strangers_are_refused_and_only_where_the_job_was_given_some(job, tmp_path):
    folder, log = job
    data = channels.arrays(24, seed=2)
    probabilities, strangers = (ask(folder, data[name])[0] for name in ("images", "strangers"))
    assert probabilities.sum(1).mean() > 0.9 > 0.3 > strangers.sum(1).mean()
    assert "24 train strangers" in log

    argv = channels.arguments(channels.write(tmp_path / "channels", with_strangers=False), tmp_path)
    status, log, errors = run([*argv, "--epochs", "1"])
    assert status == 0, errors
    assert "STRANGERS ARE NOT KNOWN" in log
    metrics = read_metrics(tmp_path)
    assert metrics["stranger_bias"] is None
    assert metrics["operating_point"]["test"]["strangers"] is None
    np.testing.assert_allclose(ask(tmp_path, data["images"])[0].sum(1), 1, atol=1e-5)
    assert not (tmp_path / "output" / "strangers.png").exists()


def test_exported_model_takes_any_number_of_images(job):
    folder, _ = job
    images = channels.arrays(3, seed=2)["images"]
    probabilities, _ = ask(folder, images)
    assert (probabilities.dtype, probabilities.shape) == (np.float32, (3, 2))
    assert (probabilities.sum(1) <= 1 + 1e-5).all()
    np.testing.assert_allclose(ask(folder, images[:1])[0], probabilities[:1], atol=1e-5)


def test_exported_models_embedding_gives_the_probabilities_of_an_image_that_mirrors_itself(job):
    folder, _ = job
    images = channels.arrays(5, seed=2)["images"]
    images[:, :, 8:] = images[:, :, 7::-1]
    probabilities, embedding = ask(folder, images)
    assert embedding.shape == (5, training_network.STAGES[-1])
    graph = onnx.load(folder / "model" / "model.onnx").graph
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    logits = embedding @ weights["network.head.weight"].T + weights["network.head.bias"]
    metrics = read_metrics(folder)
    calibration = evaluation.Calibration(metrics["temperature"], metrics["stranger_bias"])
    expected = calibration.apply(logits)
    np.testing.assert_allclose(expected, probabilities, atol=1e-5)


def test_a_job_starts_from_the_starter_weights(job):
    folder, log = job
    starter = training_network.load_starter(training_network.STARTER)
    assert read_metrics(folder)["starter"] == starter.digest
    assert f"from starter weights {starter.digest}" in log
    network = training_network.Network(2)
    network.adopt(starter.weights)
    images = channels.arrays(5, seed=2)["images"]
    with torch.no_grad():
        known = network.eval().features(torch.from_numpy(images).permute(0, 3, 1, 2)).numpy()
    _, embedding = ask(folder, images)
    # Three epochs of four steps move the features, and leave them what they were.
    assert not np.allclose(embedding, known, atol=1e-3)
    assert np.corrcoef(embedding.ravel(), known.ravel())[0, 1] > 0.5


@pytest.fixture(scope="module")
def checkpointed_job(tmp_path_factory) -> tuple[Path, list[str], str]:
    """The folder, the arguments and the log of a job with checkpoints."""
    folder = tmp_path_factory.mktemp("checkpointed")
    argv = channels.arguments(channels.write(folder / "channels"), folder)
    argv += ["--epochs", "3", "--batch-size", "16", "--seed", "3", "--learning-rate", "0.04"]
    status, log, errors = run([*argv, "--checkpoint-dir", str(folder / "checkpoints")])
    assert status == 0, errors
    return folder, argv, log


@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_a_job_stopped_after_any_epoch_ends_with_the_same_model(
    checkpointed_job, tmp_path, monkeypatch, epochs
):
    folder, argv, log = checkpointed_job
    argv = [part.replace(f"{folder}/model", f"{tmp_path}/model") for part in argv]
    argv = [part.replace(f"{folder}/output", f"{tmp_path}/output") for part in argv]
    argv += ["--checkpoint-dir", str(tmp_path)]
    save = training_fit.save_checkpoint

    def save_and_stop(path: Path, state: dict) -> None:
        save(path, state)
        if len(state["history"]) == epochs:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(training_fit, "save_checkpoint", save_and_stop)
        with pytest.raises(KeyboardInterrupt):
            run(argv)
    assert not (tmp_path / "model" / "model.onnx").exists()
    status, resumed, errors = run(argv)

    assert status == 0, errors
    assert f"going on after epoch {epochs}, from {tmp_path / 'training'}.pt" in resumed
    losses = [re.findall(r"epoch=\d+ +loss=[0-9.]+", text) for text in (log, resumed)]
    assert losses[1] == losses[0][epochs:]
    models = [(out / "model" / "model.onnx").read_bytes() for out in (folder, tmp_path)]
    assert models[0] == models[1]


@pytest.mark.parametrize(
    ("other", "named"),
    [
        (["--seed", "4", "--batch-size", "8"], "batch_size, seed"),
        (["--start", "scratch"], "label_smoothing, starter"),
    ],
)
def test_a_checkpoint_of_another_job_is_refused_with_what_differs(
    checkpointed_job, tmp_path, other, named
):
    folder, argv, _ = checkpointed_job
    argv = [*argv, "--checkpoint-dir", str(folder / "checkpoints"), "--model-dir", str(tmp_path)]
    status, _, errors = run([*argv, *other])
    assert status == 1
    assert f"training.pt is of a job with other {named}" in errors


def test_a_checkpoint_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "training.pt").write_bytes(b"rubbish")
    argv = channels.arguments(channels.write(tmp_path / "channels"), tmp_path)
    status, _, errors = run([*argv, "--checkpoint-dir", str(tmp_path)])
    assert status == 1
    assert f"the checkpoint {tmp_path / 'training.pt'} cannot be read" in errors


def test_checkpoints_lie_beside_the_model_where_sagemaker_has_made_the_folder(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("SM_MODEL_DIR", str(tmp_path / "model"))
    assert training_job.parse_arguments([]).checkpoint_dir is None
    (tmp_path / "checkpoints").mkdir()
    assert training_job.parse_arguments([]).checkpoint_dir == str(tmp_path / "checkpoints")


WEIGHTS = training_network.STARTER.read_bytes()
DAMAGED = {
    "missing": None,
    "changed": WEIGHTS[:300_000] + b"\0\1" + WEIGHTS[300_002:],
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_starter_weights_that_are_missing_or_damaged_end_the_job_in_a_line(
    tmp_path, monkeypatch, content
):
    path = tmp_path / "starter.npz"
    if content is not None:
        path.write_bytes(content)
    for module in (training_job, training_network):
        monkeypatch.setattr(module, "STARTER", path)
    status, _, errors = run(channels.arguments(channels.write(tmp_path / "channels"), tmp_path))
    assert status == 1
    assert f"the starter weights {path} cannot be read" in errors
    assert len(errors.splitlines()) == 1


def test_log_has_a_line_for_each_metric_definition(job):
    folder, log = job
    metrics = read_metrics(folder)
    epochs = re.findall(
        r"^epoch=(\d+) +loss=([0-9.]+) +validation_accuracy=([0-9.]+) +seconds=([0-9.]+)$",
        log,
        re.MULTILINE,
    )
    assert [int(row[0]) for row in epochs] == [1, 2, 3]
    assert re.findall(r"test_accuracy=([0-9.]+)", log) == [f"{metrics['test']['accuracy']:.4f}"]
    last = re.findall(r"validation_accuracy=([0-9.]+)", log)[-1]
    assert last == f"{metrics['validation']['accuracy']:.4f}"


def test_without_a_threshold_the_log_does_not_say_what_is_accepted_at_it(job, capsys):
    metrics = read_metrics(job[0])
    metrics["operating_point"]["threshold"] = None
    training_job.print_summary(metrics)
    log = capsys.readouterr().out
    assert "no threshold reaches a precision of 0.99" in log
    assert "strangers_accepted" not in log


def test_training_from_scratch_learns_and_its_seed_counts():
    data = {
        name: channels.arrays(count, seed)
        for seed, (name, count) in enumerate(channels.SIZES.items())
    }
    train_set, validation = (
        Dataset(each["images"], each["labels"], channels.CLASSES, each["images"][:0])
        for each in (data["train"], data["validation"])
    )

    recipe = {
        "epochs": 6,
        "batch_size": 16,
        "learning_rate": 0.12,
        "label_smoothing": 0.1,
        "device": torch.device("cpu"),
    }
    with contextlib.redirect_stdout(io.StringIO()):
        (network, history), (other, _) = (
            training_fit.fit(train_set, validation, seed=seed, **recipe) for seed in (5, 6)
        )
    assert history[-1]["validation_accuracy"] > 0.9
    assert not torch.equal(network.head.weight, other.head.weight)


@pytest.mark.parametrize("value", [0.5, np.nan])
def test_an_exported_model_that_answers_otherwise_fails_the_job(job, value):
    folder, _ = job
    images = channels.arrays(4, seed=0)["images"]
    wrong = np.full((4, 2), value)
    with pytest.raises(JobError, match="differ from PyTorch's"):
        export.check_export(folder / "model" / "model.onnx", images, wrong)


VALIDATION_FAULTS = {
    "no images": (
        {"images": np.zeros((0, 16, 16, 3), np.uint8), "labels": np.zeros(0, np.int64)},
        "it has no images",
    ),
    "floats": ({"images": np.zeros((24, 16, 16, 3))}, "float64, not uint8"),
    "one colour": ({"images": np.zeros((24, 16, 16), np.uint8)}, "24 x 16 x 16, not N x S x S x 3"),
    "not square": ({"images": np.zeros((24, 16, 24, 3), np.uint8)}, "sides must be equal"),
    "too small": ({"images": np.zeros((24, 8, 8, 3), np.uint8)}, "at least 16"),
    "another size": (
        dict.fromkeys(("images", "strangers"), np.zeros((24, 32, 32, 3), np.uint8)),
        "(32, 32) pixels",
    ),
    "label type": ({"labels": np.zeros(24, np.int32)}, "int32, not int64"),
    "too few labels": ({"labels": np.zeros(3, np.int64)}, "24 images, labels of shape (3,)"),
    "unknown label": ({"labels": np.full(24, 2)}, "labels from 2 to 2 for 2 classes"),
    "other classes": ({"classes": np.array(["red", "green"])}, "classes are ['red', 'green']"),
    "class name too long": ({"classes": np.array(["red", "é" * 33])}, "1 to 64 bytes"),
    "class twice": ({"classes": np.array(["red", "red"])}, "named twice"),
    "one class": ({"classes": np.array(["red"]), "labels": np.zeros(24, np.int64)}, "at least two"),
    "strangers of another size": (
        {"strangers": np.zeros((5, 32, 32, 3), np.uint8)},
        "strangers are uint8 of (32, 32, 3), images of (16, 16, 3)",
    ),
    "no strangers": (
        {"strangers": np.zeros((0, 16, 16, 3), np.uint8)},
        "has 0 strangers, the train channel 24",
    ),
    "pickled classes": ({"classes": np.array(["red", None])}, "cannot be read"),
}


@pytest.mark.parametrize(("changes", "reason"), VALIDATION_FAULTS.values(), ids=VALIDATION_FAULTS)
def test_a_wrong_channel_ends_the_job_with_its_name_and_the_reason(
    tmp_path, monkeypatch, changes, reason
):
    failure = tmp_path / "failure"
    monkeypatch.setenv("SM_OUTPUT_FAILURE", str(failure))
    argv = channels.arguments(channels.write(tmp_path / "channels", **changes), tmp_path)
    status, _, errors = run(argv)
    assert status == 1
    assert "the validation channel" in failure.read_text()
    assert reason in failure.read_text()
    assert "Traceback" not in errors
    assert not (tmp_path / "model").exists()


def test_a_channel_that_is_missing_empty_or_rubbish_is_named(tmp_path, monkeypatch):
    monkeypatch.delenv("SM_CHANNEL_TEST", raising=False)
    folder = channels.write(tmp_path / "channels")
    argv = channels.arguments(folder, tmp_path)
    at = argv.index("--test")
    status, _, errors = run(argv[:at] + argv[at + 2 :])
    assert status == 1
    assert "there is no test channel" in errors
    path = folder / "test" / "data.npz"
    path.write_bytes(path.read_bytes()[:1000])
    status, _, errors = run(channels.arguments(folder, tmp_path))
    assert status == 1
    assert "the test channel's data.npz cannot be read" in errors
    path.unlink()
    status, _, errors = run(channels.arguments(folder, tmp_path))
    assert status == 1
    assert "the test channel holds no data.npz" in errors


def test_a_class_without_training_images_is_named(tmp_path):
    folder = channels.write(tmp_path / "channels")
    data = channels.arrays(8, seed=0)
    data["labels"][:] = 1
    np.savez(folder / "train" / "data.npz", **data)
    status, _, errors = run(channels.arguments(folder, tmp_path))
    assert status == 1
    assert "the train channel has no image of red" in errors


@pytest.mark.parametrize(
    ("argument", "reason"),
    [
        (["--epochs", "0"], "0 is not above 0"),
        (["--precision-target", "1.5"], "1.5 is not above 0 and at most 1"),
        (["--momentum", "1"], "unrecognized arguments: --momentum 1"),
    ],
)
def test_wrong_hyperparameters_fail_the_job(tmp_path, monkeypatch, argument, reason):
    failure = tmp_path / "failure"
    monkeypatch.setenv("SM_OUTPUT_FAILURE", str(failure))
    status, _, _ = run(argument)
    assert status == 1
    assert reason in failure.read_text()
