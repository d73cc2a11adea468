"""Train an image classifier on small photos, calibrate it and export it to ONNX.

A SageMaker training job runs this with three channels, `train`, `validation` and `test`; each
is a folder that holds `data.npz`:

    images   uint8   N x S x S x 3   RGB, S at least 16 and a multiple of 8
    labels   int64   N               indices into `classes`
    names    str     N               where each image came from (not used here)
    classes  str     C               the same list in all channels
    strangers  uint8 M x S x S x 3   photos of none of the classes; absent where none are known

The network starts from the weights in model/starter.npz, trained on CIFAR-10 by `python -m
scripts.starter`, with a new last layer. `--start scratch` is for photos of that training.

The job writes into the model folder

    model.onnx     `images` uint8 N x S x S x 3 -> `probabilities` float32 N x C, calibrated: 1
                   minus their sum is the probability of a stranger; and `embedding` float32
                   N x D: the features of the image that the last layer sees
    classes.json   the C class names, in the order of the probabilities
    metrics.json   accuracy with its interval, precision, recall, confusion, calibration, coverage,
                   the threshold that reaches the precision target, the share of strangers accepted

and in the output folder `predictions.npz` (of validation: `labels`, int64 N, raw `logits`, float64
N x C, and the strangers', `strangers`, M x (C + 1); with strangers the logits have C + 1 too), the
learning curve as `epochs.csv`, and plots. By hand:

    python model/train.py --train DIR --validation DIR --test DIR --model-dir DIR \\
        --output-data-dir DIR

Calibration and threshold are fitted to the validation rows, in a mix: `--strangers-share` of the
photos are strangers, however many there are in the channel. The test rows choose nothing and are
used once, at the end. The same seed gives the same model on the same kind of machine with the same
number of threads, also if the job is stopped and started again: after each epoch it writes its
state to `--checkpoint-dir`, on SageMaker the /opt/ml/checkpoints of a job with a CheckpointConfig.
"""

import argparse
import csv
import json
import math
import os
import sys
import time
import traceback
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from .data import CHANNELS, JobError, check_channels, load_channel
from .evaluation import Answers, Calibration, calibrate, evaluate, find_threshold, measure_threshold
from .export import check_export, export
from .fit import fit
from .network import STARTER, Classifier, compute_logits, load_starter
from .plots import draw


class Recipe(NamedTuple):
    """The photos that the network sees in all epochs together, and how it learns from them.

    learning_rate: Muon's; label_smoothing: the probability that a label leaves to all classes.
    """

    photos: int
    learning_rate: float
    label_smoothing: float


# A trained network takes fewer and smaller steps.
RECIPES = {"starter": Recipe(16_000, 0.1, 0.05), "scratch": Recipe(51_200, 0.12, 0.1)}
EPOCHS = (10, 100)  # at least and at most


def run(arguments: argparse.Namespace) -> dict:
    """Train, calibrate, evaluate, export. Returns the content of metrics.json."""
    start = time.perf_counter()
    channels = {name: load_channel(name, getattr(arguments, name)) for name in CHANNELS}
    check_channels(channels)
    train, validation, test = channels.values()
    judged = {"validation": validation, "test": test}
    starter = load_starter(STARTER) if arguments.start == "starter" else None
    model_dir, output_dir = Path(arguments.model_dir), Path(arguments.output_data_dir)
    model_dir.mkdir(parents=True, exist_ok=True)
    output_dir.mkdir(parents=True, exist_ok=True)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    counts = ", ".join(f"{len(data.images)} {name}" for name, data in channels.items())
    print(f"{counts} images of {', '.join(train.classes)}")
    if len(train.strangers):
        print(f"{len(train.strangers)} train strangers: photos of none of the classes")
    else:
        print("STRANGERS ARE NOT KNOWN: the channels have no photos of none of the classes, so the")
        print("model will take a photo of anything for one of them, often with a high confidence")
    print(f"on {device.type} with {torch.get_num_threads()} threads")
    print(f"from starter weights {starter.digest}" if starter else "from scratch", flush=True)

    recipe = RECIPES[arguments.start]
    hyperparameters = {
        "epochs": arguments.epochs or choose_epochs(recipe, len(train.images)),
        "batch_size": arguments.batch_size,
        "learning_rate": arguments.learning_rate or recipe.learning_rate,
        "label_smoothing": recipe.label_smoothing,
        "seed": arguments.seed,
    }
    network, history = fit(
        train,
        validation,
        device=device,
        starter=starter,
        checkpoint=arguments.checkpoint_dir and Path(arguments.checkpoint_dir) / "training.pt",
        **hyperparameters,
    )

    network.eval()
    share = arguments.strangers_share
    logits = {name: compute_logits(network, each.images) for name, each in judged.items()}
    strangers = {name: compute_logits(network, each.strangers) for name, each in judged.items()}
    calibration = calibrate(logits["validation"], validation.labels, strangers["validation"], share)

    def answer(name: str, calibration: Calibration) -> Answers:
        return Answers(
            calibration.apply(logits[name]),
            judged[name].labels,
            calibration.apply(strangers[name]),
            share,
        )

    answers = {name: answer(name, calibration) for name in judged}
    raw = {name: answer(name, calibration._replace(temperature=1.0)) for name in judged}
    threshold = find_threshold(arguments.precision_target, answers["validation"])

    model_path = model_dir / "model.onnx"
    export(Classifier(network, calibration).eval(), test.images.shape[1], model_path)
    difference = check_export(model_path, test.images, answers["test"].probabilities)

    metrics = {
        **{name: evaluate(answers[name], raw[name], test.classes) for name in judged},
        "temperature": calibration.temperature,
        "stranger_bias": calibration.stranger_bias,
        "operating_point": {  # chosen by the validation rows alone
            "precision_target": arguments.precision_target,
            "strangers_share": share,
            "threshold": threshold,
            **measure_threshold(threshold, answers["validation"]),
            "test": measure_threshold(threshold, answers["test"]),
        },
        "starter": starter.digest if starter else None,
        "onnx_difference": difference,
        "images": {name: len(data.images) for name, data in channels.items()},
        "strangers": {name: len(data.strangers) for name, data in channels.items()},
        "image_size": test.images.shape[1],
        "hyperparameters": hyperparameters,
        "device": device.type,
        "threads": torch.get_num_threads(),
        "seconds": {
            "training": history[-1]["seconds"],
            "job": time.perf_counter() - start,
        },
    }
    (model_dir / "classes.json").write_text(json.dumps(train.classes) + "\n")
    (model_dir / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
    predictions = {"logits": logits["validation"], "strangers": strangers["validation"]}
    np.savez(output_dir / "predictions.npz", labels=validation.labels, **predictions)
    with open(output_dir / "epochs.csv", "w", newline="") as file:
        table = csv.DictWriter(file, history[0])
        table.writeheader()
        table.writerows(history)
    draw(output_dir, answers, {**metrics, "history": history, "classes": test.classes})
    return metrics


def choose_epochs(recipe: Recipe, photos: int) -> int:
    """The number of epochs over so many photos."""
    least, most = EPOCHS
    return min(most, max(least, recipe.photos // photos))


def print_summary(metrics: dict) -> None:
    """Print the end of the log, in the form that the job's metric definitions match."""
    for name in ("validation", "test"):
        channel = metrics[name]
        low, high = channel["accuracy_interval"]
        error = channel["expected_calibration_error"]
        print(
            f"{name}_accuracy={channel['accuracy']:.4f}  "
            f"95 % interval {low:.3f} to {high:.3f}, {channel['images']} images, calibration error "
            f"{error['before_temperature']:.3f} raw, {error['after_temperature']:.3f} calibrated, "
            f"{error['by_chance']:.3f} by chance alone"
        )
    print(f"temperature={metrics['temperature']:.3f}")
    point = metrics["operating_point"]
    if point["threshold"] is None:
        print(f"no threshold reaches a precision of {point['precision_target']:g} on validation")
    else:
        precision, coverage = point["test"]["precision"], point["test"]["coverage"]
        on_test = "of nothing" if precision is None else f"{precision:.3f}"
        print(
            f"threshold={point['threshold']:.4f}  for a precision of "
            f"{point['precision_target']:g} on validation, there with coverage "
            f"{point['coverage']:.3f}; on test {on_test} with coverage {coverage:.3f}"
        )
    strangers = point["test"]["strangers"]
    if strangers and point["threshold"] is not None:
        low, high = strangers["interval"]
        print(
            f"strangers_accepted={strangers['accepted']:.4f}  95 % interval {low:.3f} to "
            f"{high:.3f}, {strangers['images']} test strangers at that threshold"
        )
    seconds = metrics["seconds"]
    print(f"trained in {seconds['training']:.1f} s, the whole job took {seconds['job']:.1f} s")


class ArgumentParser(argparse.ArgumentParser):
    """A parser whose errors fail the job."""

    def error(self, message: str):
        """Raise JobError."""
        raise JobError(message)


def positive(kind: type, most: float = math.inf):
    """The argument type of a number above 0 and at most `most`."""

    def parse(text: str):
        value = kind(text)
        if not 0 < value <= most:
            limit = "" if most == math.inf else f" and at most {most:g}"
            raise argparse.ArgumentTypeError(f"{text} is not above 0{limit}")
        return value

    parse.__name__ = kind.__name__
    return parse


def parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    """Hyperparameters, which SageMaker passes as arguments, and folders, as variables."""
    parser = ArgumentParser(description=__doc__.partition("\n")[0], allow_abbrev=False)
    parser.add_argument("--start", choices=RECIPES, default="starter")
    parser.add_argument("--epochs", type=positive(int), help="default: fewer for more photos")
    parser.add_argument("--batch-size", type=positive(int), default=64)
    parser.add_argument("--learning-rate", type=positive(float), help="of Muon")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--precision-target", type=positive(float, most=1), default=0.99)
    parser.add_argument("--strangers-share", type=positive(float, most=0.9), default=0.33)
    environment = os.environ.get
    parser.add_argument("--train", default=environment("SM_CHANNEL_TRAIN"))
    parser.add_argument("--validation", default=environment("SM_CHANNEL_VALIDATION"))
    parser.add_argument("--test", default=environment("SM_CHANNEL_TEST"))
    model_dir = environment("SM_MODEL_DIR", "/opt/ml/model")
    parser.add_argument("--model-dir", default=model_dir)
    parser.add_argument(
        "--output-data-dir", default=environment("SM_OUTPUT_DATA_DIR", "/opt/ml/output/data")
    )
    # Beside the model's folder, where SageMaker puts it for a job that asks for checkpoints.
    checkpoints = Path(model_dir).with_name("checkpoints")
    parser.add_argument(
        "--checkpoint-dir", default=str(checkpoints) if checkpoints.is_dir() else None
    )
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run the job; return the exit status. SageMaker reads the reason of a failure from a file."""
    try:
        print_summary(run(parse_arguments(argv)))
    except Exception as error:
        reason = str(error) if isinstance(error, JobError) else traceback.format_exc()
        print(f"train.py: {reason}", file=sys.stderr)
        failure = os.environ.get("SM_OUTPUT_FAILURE")  # set inside a job: /opt/ml/output/failure
        if failure:
            Path(failure).write_text(reason[-1024:])  # DescribeTrainingJob shows no more
        return 1
    return 0
