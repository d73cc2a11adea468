"""Train an image classifier on small photos, calibrate it and export it to ONNX.

A SageMaker training job runs this with three channels, `train`, `validation` and `test`; each
is a folder that holds `data.npz`:

    images   uint8   N x S x S x 3   RGB, S at least 16 and a multiple of 8
    labels   int64   N               indices into `classes`
    names    str     N               where each image came from (not used here)
    classes  str     C               the same list in all channels

The network starts from model/starter.npz, which have learned CIFAR-10's classes
(`python -m scripts.starter` makes them), with a last layer of its own. `--start scratch` is for
photos that the starter weights have seen.

It leaves in the model folder

    model.onnx     `images` uint8 N x S x S x 3 -> `probabilities` float32 N x C, calibrated, and
                   `embedding` float32 N x D: the features of the image that the last layer sees
    classes.json   the C class names, in the order of the probabilities
    metrics.json   accuracy with its interval, precision, recall, confusion, calibration, coverage,
                   and the threshold that reaches the precision asked for

and in the output folder `predictions.npz`, what it answers to the validation rows, `epochs.csv`
and the same as pictures: `learning.png`, `reliability.png`, `coverage.png`, `confusion.png`. By
hand:

    python model/train.py --train DIR --validation DIR --test DIR --model-dir DIR \\
        --output-data-dir DIR

The validation rows fit two numbers, the temperature and the threshold. Nothing is chosen by the
test rows: they are looked at once, at the end. The same seed gives the same model on the same kind
of machine with the same number of threads, also if the job is stopped and started again: after each
epoch it leaves all that it needs to go on in `--checkpoint-dir`. On SageMaker that is
/opt/ml/checkpoints, which a job with a CheckpointConfig has.
"""

import argparse
import copy
import csv
import hashlib
import io
import json
import os
import pickle
import sys
import time
import traceback
import warnings
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the field's own name
from torch import nn

STEM_FILTERS = 24  # 12 whitening filters of 2 x 2 x 3, and their negatives
STAGES = (32, 64, 128)
LABEL_SMOOTHING = 0.1
CROP_PIXELS = 4  # how far a training crop may shift, each way
CUTOUT_PIXELS = 8  # the side of the square that is blanked in a training crop
CUTOUT_GREY = 120
RISE = 0.2  # the share of the steps in which the learning rate rises
EMA_DECAY = 0.98
MUON_MOMENTUM = 0.6
ADAMW_LEARNING_RATE = 5e-3
ADAMW_BETAS = (0.9, 0.95)

STARTER = Path(__file__).parents[1] / "starter.npz"
FROZEN_STAGES = 1  # of the starter's: edges and colours are the same whatever the classes


class Recipe(NamedTuple):
    """How many photos the network sees, counted anew in each epoch, and Muon's learning rate.

    However many photos there are, it sees each at least `EPOCHS[0]` times.
    """

    photos: int
    learning_rate: float


# A network that has learned already takes fewer steps, and smaller ones.
RECIPES = {"starter": Recipe(12_800, 0.1), "scratch": Recipe(51_200, 0.12)}
EPOCHS = (10, 100)  # at least and at most

TEMPERATURE_BOUNDS = (0.05, 20.0)
CALIBRATION_BINS = 15
CALIBRATION_DRAWS = 1000  # of labels, to know what calibration error chance alone makes
THRESHOLDS = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.99)
Z_95 = 1.959964  # the standard normal's 97.5 % point

CHANNELS = ("train", "validation", "test")
LABEL_BYTES = 64  # what reads the model's answers reckons with class names of a bounded size
EPOCHS_SHOWN = 10  # about so many lines in the log; epochs.csv has every epoch
EVALUATION_BATCH = 500
ONNX_TOLERANCE = 1e-4  # largest difference of a probability between PyTorch and ONNX Runtime


class JobError(Exception):
    """What ends the job, in words for the person who started it."""


class Dataset(NamedTuple):
    """One channel: images uint8 N x S x S x 3, labels int64 N, the C class names."""

    images: np.ndarray
    labels: np.ndarray
    classes: list[str]


def load_channel(name: str, folder: str | None) -> Dataset:
    """Read one channel's `data.npz`. JobError if it is missing, empty or not as described above."""
    if not folder:
        raise JobError(f"there is no {name} channel: the job needs {', '.join(CHANNELS)}")
    path = Path(folder) / "data.npz"
    if not path.is_file():
        raise JobError(f"the {name} channel holds no data.npz ({path})")
    try:
        with np.load(path, allow_pickle=False) as arrays:
            images, labels, classes = arrays["images"], arrays["labels"], arrays["classes"]
    except (KeyError, OSError, ValueError, zipfile.BadZipFile) as error:
        raise JobError(f"the {name} channel's data.npz cannot be read: {error}") from error

    def check(holds: bool, problem: str) -> None:
        if not holds:
            raise JobError(f"the {name} channel's data.npz is wrong: {problem}")

    shape = " x ".join(map(str, images.shape))
    check(images.dtype == np.uint8, f"images are {images.dtype}, not uint8")
    check(images.ndim == 4 and images.shape[3] == 3, f"images are {shape}, not N x S x S x 3")
    side = images.shape[1]
    check(
        side == images.shape[2] and side >= 16 and side % 8 == 0,
        f"images are {shape}: the sides must be equal, at least 16 and a multiple of 8",
    )
    check(len(images) > 0, "it has no images")
    check(labels.dtype == np.int64, f"labels are {labels.dtype}, not int64")
    check(labels.shape == (len(images),), f"{len(images)} images, labels of shape {labels.shape}")
    check(classes.dtype.kind == "U" and classes.ndim == 1, "classes are not a list of names")
    check(len(classes) >= 2, f"{len(classes)} classes: there must be at least two")
    check(len(set(classes.tolist())) == len(classes), "a class is named twice")
    check(
        all(name.isprintable() and 0 < len(name.encode()) <= LABEL_BYTES for name in classes),
        f"a class's name is not printable, or not of 1 to {LABEL_BYTES} bytes",
    )
    check(
        labels.min() >= 0 and labels.max() < len(classes),
        f"labels from {labels.min()} to {labels.max()} for {len(classes)} classes",
    )
    return Dataset(images, labels, classes.tolist())


def check_channels(channels: dict[str, Dataset]) -> None:
    """JobError unless all channels agree on classes and size, and `train` has every class."""
    train = channels["train"]
    for name, data in channels.items():
        if data.classes != train.classes:
            raise JobError(f"the {name} channel's classes are {data.classes}, not {train.classes}")
        if data.images.shape[1:] != train.images.shape[1:]:
            raise JobError(
                f"the {name} channel's images are {data.images.shape[1:3]} pixels, "
                f"the train channel's {train.images.shape[1:3]}"
            )
    counts = np.bincount(train.labels, minlength=len(train.classes))
    missing = [name for name, count in zip(train.classes, counts, strict=True) if not count]
    if missing:
        raise JobError(f"the train channel has no image of {', '.join(missing)}")


def crop_and_flip(padded: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """A crop of each image at a place of its own, half of them mirrored.

    padded: N x 3 x (S + 2 CROP_PIXELS) x (S + 2 CROP_PIXELS), any type. Returns N x 3 x S x S of
    that type. The draws are made on the CPU, so that they do not depend on the device.
    """
    count, side = len(padded), padded.shape[-1] - 2 * CROP_PIXELS
    top, left = torch.randint(0, 2 * CROP_PIXELS + 1, (2, count, 1), generator=generator)
    mirrored = torch.rand(count, 1, generator=generator) < 0.5
    rows = top + torch.arange(side)
    columns = left + torch.arange(side)
    columns = torch.where(mirrored, columns.flip(1), columns)
    image = torch.arange(count)[:, None, None]
    pixels = padded.permute(0, 2, 3, 1)[image, rows[:, :, None], columns[:, None, :]]
    return pixels.permute(0, 3, 1, 2)  # N x 3 x S x S, channels last in memory


def cut_out(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """The images N x 3 x S x S, each with a grey square at a place of its own (DeVries 2017).

    The square is CUTOUT_PIXELS wide and may lie partly outside.
    """
    side = images.shape[-1]
    first = torch.randint(1 - CUTOUT_PIXELS, side, (2, len(images), 1), generator=generator)
    places = torch.arange(side)
    rows, columns = (first <= places) & (places < first + CUTOUT_PIXELS)
    square = (rows[:, :, None] & columns[:, None, :])[:, None].to(images.device)
    return images.masked_fill(square, CUTOUT_GREY)


class Stage(nn.Module):
    """Halves the picture, widens it, and adds one residual convolution."""

    def __init__(self, channels_in: int, channels_out: int):
        super().__init__()
        self.widen = nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False)
        self.widen_norm = nn.BatchNorm2d(channels_out)
        self.residual = nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False)
        self.residual_norm = nn.BatchNorm2d(channels_out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """N x channels_in x H x W -> N x channels_out x H/2 x W/2."""
        x = F.relu(self.widen_norm(F.max_pool2d(self.widen(x), 2)))
        return x + F.relu(self.residual_norm(self.residual(x)))


class Network(nn.Module):
    """A whitened 2 x 2 stem, three residual stages, a maximum over the picture, a linear layer."""

    def __init__(self, classes: int):
        super().__init__()
        self.register_buffer("mean", torch.zeros(1, 3, 1, 1))
        self.register_buffer("std", torch.ones(1, 3, 1, 1))
        self.stem = nn.Conv2d(3, STEM_FILTERS, 2)
        widths = (STEM_FILTERS, *STAGES)
        self.stages = nn.Sequential(*map(Stage, widths, STAGES))
        self.head = nn.Linear(STAGES[-1], classes)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Images N x 3 x S x S, 0 to 255, any type -> what the last layer sees, N x D."""
        x = (images.float() - self.mean) / self.std
        return self.stages(F.gelu(self.stem(x))).amax((2, 3))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images N x 3 x S x S, 0 to 255, any type -> logits N x C."""
        return self.head(self.features(images))

    @torch.no_grad()
    def whiten(self, images: torch.Tensor) -> None:
        """Set the normalisation and the stem's fixed filters from training images N x 3 x S x S.

        The filters are the eigenvectors of the images' 2 x 2 patches, scaled to unit variance.
        """
        pixels = images.double()
        self.mean.copy_(pixels.mean((0, 2, 3), keepdim=True))
        self.std.copy_(pixels.std((0, 2, 3), keepdim=True) + 1e-3)
        patches = F.unfold((images.float() - self.mean) / self.std, 2)  # N x 12 x places
        patches = patches.transpose(1, 2).reshape(-1, 12).double()
        variances, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
        filters = (vectors / (variances + 5e-4).sqrt()).T.flip(0).reshape(12, 3, 2, 2)
        self.stem.weight.copy_(torch.cat([filters, -filters]))
        self.stem.bias.zero_()
        self.stem.requires_grad_(False)

    def adopt(self, weights: dict[str, torch.Tensor]) -> None:
        """Take over all weights but the last layer's, which knows other classes.

        The first of them are not trained on. JobError for weights of another network.
        """
        body = shapes_of_body(weights)
        if body != shapes_of_body(self.state_dict()):
            raise JobError(f"the starter weights {STARTER} are of another network")
        self.load_state_dict({name: weights[name] for name in body}, strict=False)
        self.stem.requires_grad_(False)
        self.stages[:FROZEN_STAGES].requires_grad_(False)


def shapes_of_body(weights: dict[str, torch.Tensor]) -> dict[str, torch.Size]:
    """The shapes of a network's weights, those of the last layer and of counters left out."""
    return {
        name: value.shape
        for name, value in weights.items()
        if value.is_floating_point() and not name.startswith("head.")
    }


class Starter(NamedTuple):
    """The weights of a network that has learned other classes, and their file's SHA-256."""

    weights: dict[str, torch.Tensor]
    digest: str


def load_starter(path: Path) -> Starter:
    """Read starter weights. JobError if the file is missing or damaged."""
    try:
        content = path.read_bytes()
        weights = read_weights(content)
    except Exception as error:  # zip files and arrays break in many ways
        raise JobError(f"the starter weights {path} cannot be read: {error}") from error
    return Starter(weights, hashlib.sha256(content).hexdigest())


def read_weights(content: bytes) -> dict[str, torch.Tensor]:
    """The arrays of an .npz file as float32."""
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return {name: torch.from_numpy(arrays[name].astype(np.float32)) for name in arrays}


class Classifier(nn.Module):
    """What is served: pixels in, calibrated probabilities and an embedding out."""

    def __init__(self, network: Network):
        super().__init__()
        self.network = network
        self.register_buffer("temperature", torch.ones(()))

    def logits_and_features(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Images uint8 N x S x S x 3 -> logits N x C and features N x D.

        Logits are the mean of an image's and its mirror's; the features are the image's own.
        """
        pixels = images.permute(0, 3, 1, 2).float()
        features = self.network.features(pixels)
        logits = (self.network.head(features) + self.network(pixels.flip(3))) / 2
        return logits, features

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Images uint8 N x S x S x 3 -> probabilities float32 N x C, embedding float32 N x D."""
        logits, features = self.logits_and_features(images)
        return (logits / self.temperature).softmax(1), features


class Muon(torch.optim.Optimizer):
    """Momentum whose step is made orthogonal, for convolution filters (K. Jordan, 2024).

    Each filter bank keeps a fixed norm, so the learning rate is a relative size of step.
    """

    def __init__(self, parameters, lr: float, momentum: float):
        super().__init__(parameters, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self) -> None:
        """One step from the gradients at hand."""
        for group in self.param_groups:
            for weight in group["params"]:
                buffer = self.state[weight].setdefault("momentum", torch.zeros_like(weight))
                buffer.mul_(group["momentum"]).add_(weight.grad)
                update = weight.grad + group["momentum"] * buffer  # Nesterov
                weight.mul_(len(weight) ** 0.5 / weight.norm())
                direction = orthogonalize(update.reshape(len(update), -1)).view_as(weight)
                weight.sub_(group["lr"] * direction)


def orthogonalize(matrix: torch.Tensor, steps: int = 3) -> torch.Tensor:
    """The matrix with its singular values brought near 1 by Newton-Schulz iterations."""
    tall = matrix.size(0) > matrix.size(1)
    x = matrix.T if tall else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return x.T if tall else x


def triangle(progress: float) -> float:
    """The learning rate's share of its peak after `progress` (0 to 1) of the steps."""
    return max(min(progress / RISE, (1 - progress) / (1 - RISE)), 1e-3)


def bfloat16_helps(device: torch.device) -> bool:
    """Whether the device computes in bfloat16 itself; where it is emulated, float32 is faster."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name) for name in ("amx_bf16", "avx512_bf16"))


def fit(
    train: Dataset,
    validation: Dataset | None,
    *,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
    device: torch.device,
    cutout: bool = True,
    starter: Starter | None = None,
    checkpoint: Path | None = None,
) -> tuple[Network, list[dict]]:
    """Train on `train`; return the averaged network on the CPU, and a row per epoch.

    `validation` is only looked at: no row of it changes a weight, and no epoch is chosen by it.
    `cutout` helps where images are few and are seen often. Without `starter` the network learns
    from scratch. `checkpoint` is a file that holds the state after the last epoch: if it
    is there, training goes on from it, and ends as it would have without the interruption.
    """
    hyperparameters = {
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "seed": seed,
        "data": fingerprint([train.images, train.labels, train.classes]),
        "starter": starter.digest if starter else None,
    }
    torch.manual_seed(seed)
    torch.backends.cudnn.deterministic = True
    generator = torch.Generator().manual_seed(seed)
    images = torch.from_numpy(train.images).permute(0, 3, 1, 2)
    labels = torch.from_numpy(train.labels).to(device)

    network = Network(len(train.classes))
    if starter:
        network.adopt(starter.weights)
    else:
        network.whiten(images[torch.randperm(len(images), generator=generator)[:5000]])
    network = network.to(device, memory_format=torch.channels_last)
    averaged = copy.deepcopy(network).eval()

    border = ((0, 0), (CROP_PIXELS, CROP_PIXELS), (CROP_PIXELS, CROP_PIXELS), (0, 0))
    padded = torch.from_numpy(np.pad(train.images, border, mode="reflect"))
    padded = padded.permute(0, 3, 1, 2).to(device)  # channels last in memory

    trained = [weight for weight in network.parameters() if weight.requires_grad]
    muon = Muon([w for w in trained if w.ndim == 4], lr=learning_rate, momentum=MUON_MOMENTUM)
    adamw = torch.optim.AdamW(
        [w for w in trained if w.ndim < 4],
        lr=ADAMW_LEARNING_RATE,
        betas=ADAMW_BETAS,
        weight_decay=0,
    )
    peaks = ((muon, learning_rate), (adamw, ADAMW_LEARNING_RATE))
    per_epoch = max(1, len(images) // batch_size)
    steps, step, history = epochs * per_epoch, 0, []
    bfloat16 = bfloat16_helps(device)

    stateful = {"network": network, "averaged": averaged, "muon": muon, "adamw": adamw}
    saved = load_checkpoint(checkpoint, hyperparameters)
    if saved:
        for name, part in stateful.items():
            part.load_state_dict(saved[name])
        generator.set_state(saved["generator"])
        step, history = saved["step"], saved["history"]
        print(f"going on after epoch {len(history)}, from {checkpoint}", flush=True)
    start = time.perf_counter() - (history[-1]["seconds"] if history else 0)

    for epoch in range(len(history) + 1, epochs + 1):
        # The starter's batch statistics are of more photos than there may be here: they stay.
        network.train(mode=starter is None)
        order = torch.randperm(len(images), generator=generator)
        losses = []
        for batch in order.split(batch_size)[:per_epoch]:
            inputs = crop_and_flip(padded[batch], generator)
            if cutout:
                inputs = cut_out(inputs, generator)
            with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
                logits = network(inputs).float()
            loss = F.cross_entropy(logits, labels[batch], label_smoothing=LABEL_SMOOTHING)
            loss.backward()
            losses.append(loss.detach())
            for optimizer, peak in peaks:
                for group in optimizer.param_groups:
                    group["lr"] = peak * triangle(step / steps)
                optimizer.step()
                optimizer.zero_grad()
            step += 1
            average(averaged, network, min(EMA_DECAY, (1 + step) / (10 + step)))

        row = {"epoch": epoch, "loss": torch.stack(losses).mean().item()}
        if validation:
            row["validation_accuracy"] = accuracy_of(averaged, validation, device)
        row["seconds"] = time.perf_counter() - start
        history.append(row)
        if epoch % max(1, epochs // EPOCHS_SHOWN) == 0 or epoch == epochs:
            print_epoch(row)
        if checkpoint:
            state = {name: part.state_dict() for name, part in stateful.items()}
            state |= {"generator": generator.get_state(), "step": step, "history": history}
            save_checkpoint(checkpoint, {**state, "hyperparameters": hyperparameters})
    return averaged.cpu(), history


def fingerprint(parts: Iterable) -> str:
    """A hash of arrays, tensors and lists of names: equal for equal content."""
    digest = hashlib.sha256()
    for part in parts:
        array = np.asarray(part)
        digest.update(f"{array.dtype}{array.shape}".encode() + array.tobytes())
    return digest.hexdigest()


def save_checkpoint(path: Path, state: dict) -> None:
    """Write the state. Whoever stops the job meanwhile leaves the last one whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    torch.save(state, part)
    part.replace(path)


# What torch.load raises for a file that is none of its own depends on the file's first bytes.
UNREADABLE = (EOFError, LookupError, RuntimeError, TypeError, ValueError, pickle.UnpicklingError)


def load_checkpoint(path: Path | None, hyperparameters: dict) -> dict | None:
    """The state at `path`; None if there is none. JobError if it is of another job."""
    if not path or not path.exists():
        return None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        others = state["hyperparameters"]
        different = [name for name in hyperparameters if others[name] != hyperparameters[name]]
    except UNREADABLE as error:
        raise JobError(f"the checkpoint {path} cannot be read: {error}") from error
    if different:
        raise JobError(
            f"the checkpoint {path} is of a job with other {', '.join(different)}: "
            "give each job a checkpoint folder of its own"
        )
    return state


@torch.no_grad()
def average(averaged: nn.Module, network: nn.Module, decay: float) -> None:
    """Move the averaged network's numbers towards the network's."""
    means, values = averaged.state_dict().values(), network.state_dict().values()
    for mean, value in zip(means, values, strict=True):
        if mean.is_floating_point():
            mean.lerp_(value, 1 - decay)


@torch.no_grad()
def accuracy_of(network: Network, data: Dataset, device: torch.device) -> float:
    """The share of `data` that the network has right, without mirror images: for the table."""
    right = 0
    for begin in range(0, len(data.images), EVALUATION_BATCH):
        images = torch.from_numpy(data.images[begin : begin + EVALUATION_BATCH]).to(device)
        labels = torch.from_numpy(data.labels[begin : begin + EVALUATION_BATCH]).to(device)
        right += (network(images.permute(0, 3, 1, 2)).argmax(1) == labels).sum().item()
    return right / len(data.images)


def print_epoch(row: dict) -> None:
    """One line of the table, in the form that the job's metric definitions match."""
    validation = ""
    if "validation_accuracy" in row:
        validation = f"validation_accuracy={row['validation_accuracy']:.4f}  "
    print(
        f"epoch={row['epoch']:<3d}  loss={row['loss']:.4f}  {validation}"
        f"seconds={row['seconds']:.1f}",
        flush=True,
    )


@torch.no_grad()
def logits_of(classifier: Classifier, images: np.ndarray) -> np.ndarray:
    """Images uint8 N x S x S x 3 -> logits float64 N x C, before the temperature."""
    batches = torch.from_numpy(images).split(EVALUATION_BATCH)
    logits = [classifier.logits_and_features(batch)[0] for batch in batches]
    return torch.cat(logits).double().numpy()


def softmax(logits: np.ndarray) -> np.ndarray:
    """Logits ... x C -> probabilities ... x C."""
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature with the least negative log-likelihood (Guo et al. 2017, section 4.2).

    logits: N x C; labels: N. A true class counts as 1 - 1 / (N + 2) and the others share the rest
    (Platt 1999, section 2.2): else N rows that are all right would ask for certainty. The
    likelihood is convex in 1 / temperature, so its slope is bisected.
    """
    count, classes = logits.shape
    doubt = 1 / (count + 2)
    targets = np.full_like(logits, doubt / (classes - 1))
    targets[np.arange(count), labels] = 1 - doubt
    truth = (targets * logits).sum(1).mean()
    low, high = TEMPERATURE_BOUNDS
    for _ in range(50):
        middle = (low * high) ** 0.5
        expected = (softmax(logits / middle) * logits).sum(1).mean()
        if expected > truth:  # too sure of the wrong classes: the temperature must rise
            low = middle
        else:
            high = middle
    return float(middle)


def expected_calibration_error(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """How far confidence lies from accuracy, in bins of equal width (Guo et al. 2017, equation 3).

    The sum over the bins of |bin| / N * |accuracy - mean confidence|; a bin holds its upper edge.
    """
    confidence = probabilities.max(1)
    right = probabilities.argmax(1) == labels
    bins = np.ceil(confidence * CALIBRATION_BINS).astype(int)
    gaps = np.bincount(bins, weights=right - confidence)  # |bin| * (accuracy - mean confidence)
    return float(np.abs(gaps).sum() / len(labels))


class ByChance(NamedTuple):
    """A perfectly calibrated model's calibration error: its mean and its 95th percentile."""

    mean: float
    percentile_95: float


def calibration_error_by_chance(confidence: np.ndarray) -> ByChance:
    """The calibration error that a perfectly calibrated model has on so few rows.

    Of N rows each bin's accuracy is off by chance, so the error above never averages 0; it says
    something only by what it has more than this. The rows are right as often as their confidence
    says, CALIBRATION_DRAWS times over.
    """
    rng = np.random.default_rng(0)
    bins = np.ceil(confidence * CALIBRATION_BINS).astype(int)
    errors = []
    for _ in range(CALIBRATION_DRAWS):
        right = rng.random(len(confidence)) < confidence
        errors.append(np.abs(np.bincount(bins, weights=right - confidence)).sum())
    errors = np.array(errors) / len(confidence)
    return ByChance(float(errors.mean()), float(np.percentile(errors, 95)))


def threshold_for(precision: float, probabilities: np.ndarray, labels: np.ndarray) -> float | None:
    """The lowest threshold at which that share of the rows at or above it is right.

    None if no threshold reaches it. Thresholds have four decimals, so that they can be written
    down as they are.
    """
    confidence = probabilities.max(1)
    right = probabilities.argmax(1) == labels
    for threshold in np.unique(np.floor(confidence * 1e4) / 1e4):
        if right[confidence >= threshold].mean() >= precision:
            return float(threshold)
    return None


def at_threshold(threshold: float | None, probabilities: np.ndarray, labels: np.ndarray) -> dict:
    """What a filter at that threshold would let through, and how much of it is right."""
    accepted = probabilities.max(1) >= (np.inf if threshold is None else threshold)
    right = (probabilities.argmax(1) == labels)[accepted]
    return {
        "coverage": float(accepted.mean()),
        "precision": float(right.mean()) if accepted.any() else None,
    }


def wilson_interval(right: int, count: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a proportion (Wilson 1927)."""
    share, z2 = right / count, Z_95**2
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = Z_95 / (1 + z2 / count) * (share * (1 - share) / count + z2 / (4 * count**2)) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)


def evaluate(logits: np.ndarray, data: Dataset, temperature: float) -> dict:
    """Everything that metrics.json says of one channel. A share of nothing is null."""
    probabilities = softmax(logits / temperature)
    confidence, predicted = probabilities.max(1), probabilities.argmax(1)
    right = predicted == data.labels
    count, classes = len(right), len(data.classes)
    confusion = np.zeros((classes, classes), int)
    np.add.at(confusion, (data.labels, predicted), 1)

    def share(part: int, whole: int) -> float | None:
        return float(part / whole) if whole else None

    return {
        "images": count,
        "accuracy": share(right.sum(), count),
        "accuracy_interval": wilson_interval(int(right.sum()), count),
        "classes": {
            name: {
                "images": int(confusion[i].sum()),
                "precision": share(confusion[i, i], confusion[:, i].sum()),
                "recall": share(confusion[i, i], confusion[i].sum()),
            }
            for i, name in enumerate(data.classes)
        },
        "confusion_matrix": confusion.tolist(),  # a row per true class, a column per predicted one
        "expected_calibration_error": {
            "before_temperature": expected_calibration_error(softmax(logits), data.labels),
            "after_temperature": expected_calibration_error(probabilities, data.labels),
            "by_chance": calibration_error_by_chance(confidence).mean,
        },
        "thresholds": [
            {
                "threshold": threshold,
                "coverage": share((confidence >= threshold).sum(), count),
                "accuracy": share(
                    right[confidence >= threshold].sum(), (confidence >= threshold).sum()
                ),
            }
            for threshold in THRESHOLDS
        ],
    }


# Two colours that all eyes and a grey printer tell apart, each with a line and a mark of its own.
STYLES = {
    "validation": {"color": "#E69F00", "linestyle": "--", "marker": "s"},
    "test": {"color": "#0072B2", "linestyle": "-", "marker": "o"},
}


def draw(folder: Path, channels: dict[str, Dataset], logits: dict[str, np.ndarray], job: dict):
    """Write the four pictures.

    logits: N x C, before the temperature; job: what metrics.json holds, and `history`.
    """
    probabilities = {name: softmax(logits[name] / job["temperature"]) for name in STYLES}
    labels = {name: channels[name].labels for name in STYLES}
    draw_learning(folder / "learning.png", job["history"])
    draw_reliability(folder / "reliability.png", probabilities, labels)
    draw_coverage(folder / "coverage.png", probabilities, labels, job["operating_point"])
    matrix = np.array(job["test"]["confusion_matrix"])
    draw_confusion(folder / "confusion.png", matrix, channels["test"].classes)


def figure(width: float = 6, height: float = 5):
    """An empty picture and its axes."""
    from matplotlib.figure import Figure  # here, because training itself has no use for it

    picture = Figure((width, height), dpi=120, layout="constrained")
    axes = picture.subplots()
    axes.grid(color="0.9")
    axes.set_axisbelow(True)
    return picture, axes


def draw_learning(path: Path, history: list[dict]) -> None:
    """Loss and validation accuracy by epoch."""
    picture, axes = figure()
    epochs = [row["epoch"] for row in history]
    style = {**STYLES["validation"], "markersize": 3}
    axes.plot(epochs, [row["validation_accuracy"] for row in history], **style)
    axes.set(xlabel="epoch", ylabel="validation accuracy (dashed)", title="Learning curve")
    axes.xaxis.get_major_locator().set_params(integer=True)
    loss = axes.twinx()
    loss.plot(epochs, [row["loss"] for row in history], color="black")
    loss.set_ylabel("training loss (solid)")
    picture.savefig(path)


def draw_reliability(path: Path, probabilities: dict, labels: dict) -> None:
    """Accuracy by confidence, in bins of as many rows each, with 95 % intervals."""
    picture, axes = figure()
    axes.plot([0, 1], [0, 1], color="0.6", linewidth=1, label="perfect")
    lowest = 1.0
    for name, style in STYLES.items():
        confidence = probabilities[name].max(1)
        right = probabilities[name].argmax(1) == labels[name]
        bins = np.array_split(np.argsort(confidence), min(10, max(1, len(right) // 30)))
        middles = [confidence[rows].mean() for rows in bins]
        shares = [right[rows].mean() for rows in bins]
        intervals = [wilson_interval(int(right[rows].sum()), len(rows)) for rows in bins]
        below = [share - low for share, (low, _) in zip(shares, intervals, strict=True)]
        above = [high - share for share, (_, high) in zip(shares, intervals, strict=True)]
        error = expected_calibration_error(probabilities[name], labels[name])
        label = f"{name}, expected calibration error {error:.3f}"
        bars = np.clip([below, above], 0, None)
        axes.errorbar(middles, shares, bars, capsize=3, label=label, **style)
        lowest = min(lowest, *middles, *(low for low, _ in intervals))
    limits = (max(0.0, lowest - 0.02), 1.005)
    axes.set(xlabel="confidence", ylabel="accuracy", title="Reliability", xlim=limits, ylim=limits)
    axes.legend(loc="upper left")
    picture.savefig(path)


def draw_coverage(path: Path, probabilities: dict, labels: dict, point: dict) -> None:
    """Precision by coverage as the threshold falls, and the operating point on each curve."""
    picture, axes = figure()
    for name, style in STYLES.items():
        confidence = probabilities[name].max(1)
        order = np.argsort(-confidence, kind="stable")
        right = (probabilities[name].argmax(1) == labels[name])[order]
        counts = np.arange(1, len(right) + 1)
        line = {key: style[key] for key in ("color", "linestyle")}
        axes.plot(counts / len(right), right.cumsum() / counts, label=name, **line)
        at = at_threshold(point["threshold"], probabilities[name], labels[name])
        if at["precision"] is not None:
            mark = {key: style[key] for key in ("color", "marker")}
            label = f"threshold {point['threshold']:.4f}"
            axes.plot(*at.values(), linestyle="", markersize=9, label=label, **mark)
    target = point["precision_target"]
    axes.axhline(target, color="black", linewidth=1, linestyle=":", label=f"target {target:g}")
    title = "Precision of the images above a threshold"
    axes.set(xlabel="coverage (share of the images above it)", ylabel="precision", title=title)
    axes.legend(loc="lower left")
    picture.savefig(path)


def draw_confusion(path: Path, matrix: np.ndarray, classes: list[str]) -> None:
    """Test images by true and predicted class: darker for a larger share of the true class."""
    side = max(5.0, 0.6 * len(classes) + 2)
    picture, axes = figure(side, side)
    axes.grid(visible=False)
    shares = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    axes.imshow(shares, cmap="Greys", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(matrix):
        colour = "white" if shares[row, column] > 0.5 else "black"
        axes.text(column, row, str(count), ha="center", va="center", color=colour)
    axes.set_xticks(range(len(classes)), classes, rotation=45, ha="right")
    axes.set_yticks(range(len(classes)), classes)
    axes.set(xlabel="predicted", ylabel="true", title="Test images")
    picture.savefig(path)


def export(classifier: Classifier, side: int, path: Path) -> None:
    """Write the classifier to `path` as ONNX, for any number of images of side x side pixels."""
    example = torch.zeros(2, side, side, 3, dtype=torch.uint8)
    outputs = ["probabilities", "embedding"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            classifier,
            (example,),
            path,
            # Traces the network in a third of a second, where PyTorch's newer exporter takes ten.
            dynamo=False,
            input_names=["images"],
            output_names=outputs,
            dynamic_axes={name: {0: "batch"} for name in ("images", *outputs)},
        )


def check_export(path: Path, images: np.ndarray, probabilities: np.ndarray) -> float:
    """The largest difference between the exported file's probabilities and those given.

    Runs all of `images`, and the first alone: a wrong export may hold for one size of batch only.
    JobError if the difference is above ONNX_TOLERANCE.
    """
    # It would report to its maker.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime  # here, because a process that only trains has no use for it

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    differences = []
    starts = range(0, len(images), EVALUATION_BATCH)
    for rows in [slice(0, 1), *(slice(start, start + EVALUATION_BATCH) for start in starts)]:
        (found,) = session.run(["probabilities"], {"images": images[rows]})
        differences.append(np.abs(found - probabilities[rows]).max())
    difference = float(np.max(differences))
    if not difference <= ONNX_TOLERANCE:
        raise JobError(
            f"ONNX Runtime's probabilities differ from PyTorch's by {difference:.2g} "
            f"(at most {ONNX_TOLERANCE:.2g} is allowed): the exported model is not the trained one"
        )
    return difference


def run(arguments: argparse.Namespace) -> dict:
    """Train, calibrate, evaluate, export. Returns what metrics.json holds."""
    start = time.perf_counter()
    channels = {name: load_channel(name, getattr(arguments, name)) for name in CHANNELS}
    check_channels(channels)
    train, validation, test = channels.values()
    starter = load_starter(STARTER) if arguments.start == "starter" else None
    model_dir, output_dir = Path(arguments.model_dir), Path(arguments.output_data_dir)
    model_dir.mkdir(parents=True, exist_ok=True)
    output_dir.mkdir(parents=True, exist_ok=True)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    counts = ", ".join(f"{len(data.images)} {name}" for name, data in channels.items())
    print(f"{counts} images of {', '.join(train.classes)}")
    print(f"on {device.type} with {torch.get_num_threads()} threads")
    print(f"from starter weights {starter.digest}" if starter else "from scratch", flush=True)

    recipe = RECIPES[arguments.start]
    hyperparameters = {
        "epochs": arguments.epochs or epochs_for(recipe, len(train.images)),
        "batch_size": arguments.batch_size,
        "learning_rate": arguments.learning_rate or recipe.learning_rate,
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

    classifier = Classifier(network).eval()
    logits = {"validation": logits_of(classifier, validation.images)}
    temperature = fit_temperature(logits["validation"], validation.labels)
    classifier.temperature.fill_(temperature)
    probabilities = softmax(logits["validation"] / temperature)
    threshold = threshold_for(arguments.precision_target, probabilities, validation.labels)

    model_path = model_dir / "model.onnx"
    logits["test"] = logits_of(classifier, test.images)
    test_probabilities = softmax(logits["test"] / temperature)
    export(classifier, test.images.shape[1], model_path)
    difference = check_export(model_path, test.images, test_probabilities)

    metrics = {
        "validation": evaluate(logits["validation"], validation, temperature),
        "test": evaluate(logits["test"], test, temperature),
        "temperature": temperature,
        "operating_point": {  # chosen by the validation rows; the test rows only say how it fares
            "precision_target": arguments.precision_target,
            "threshold": threshold,
            **at_threshold(threshold, probabilities, validation.labels),
            "test": at_threshold(threshold, test_probabilities, test.labels),
        },
        "starter": starter.digest if starter else None,
        "onnx_difference": difference,
        "images": {name: len(data.images) for name, data in channels.items()},
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
    write_predictions(output_dir / "predictions.npz", validation, probabilities)
    write_table(output_dir / "epochs.csv", history)
    draw(output_dir, channels, logits, {**metrics, "history": history})
    return metrics


def epochs_for(recipe: Recipe, photos: int) -> int:
    """How often to go over so many photos."""
    fewest, most = EPOCHS
    return min(most, max(fewest, recipe.photos // photos))


def write_predictions(path: Path, data: Dataset, probabilities: np.ndarray) -> None:
    """Write a channel's `labels`, int64 N, and calibrated `probabilities`, float64 N x C."""
    np.savez(path, labels=data.labels, probabilities=probabilities)


def write_table(path: Path, history: list[dict]) -> None:
    """Write the learning curve, a line per epoch."""
    with open(path, "w", newline="") as file:
        table = csv.DictWriter(file, history[0])
        table.writeheader()
        table.writerows(history)


def print_summary(metrics: dict) -> None:
    """The last lines of the log, in the form that the job's metric definitions match."""
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
        print(
            f"threshold={point['threshold']:.4f}  for a precision of "
            f"{point['precision_target']:g} on validation, there with coverage "
            f"{point['coverage']:.3f}; on test {shown(point['test']['precision'])} with coverage "
            f"{point['test']['coverage']:.3f}"
        )
    seconds = metrics["seconds"]
    print(f"trained in {seconds['training']:.1f} s, the whole job took {seconds['job']:.1f} s")


def shown(share: float | None) -> str:
    """A share for a person to read."""
    return "of nothing" if share is None else f"{share:.3f}"


class ArgumentParser(argparse.ArgumentParser):
    """Wrong arguments fail the job as any other fault does."""

    def error(self, message: str):
        """Raise JobError."""
        raise JobError(message)


def positive(kind: type):
    """An argument type: a number of that kind, above zero."""

    def parse(text: str):
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"{text} is not above zero")
        return value

    parse.__name__ = kind.__name__
    return parse


def proportion(text: str) -> float:
    """An argument type: a number above 0, at most 1."""
    value = float(text)
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0 and at most 1")
    return value


def parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    """Hyperparameters, which SageMaker passes as arguments, and folders (variables)."""
    parser = ArgumentParser(description=__doc__.partition("\n")[0], allow_abbrev=False)
    parser.add_argument("--start", choices=RECIPES, default="starter")
    parser.add_argument("--epochs", type=positive(int), help="default: fewer for more photos")
    parser.add_argument("--batch-size", type=positive(int), default=64)
    parser.add_argument("--learning-rate", type=positive(float), help="of Muon")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--precision-target", type=proportion, default=0.99)
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
    """Run the job. Returns the exit status; SageMaker is told the reason of a failure."""
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
