"""Training: variation of images, the optimisers, the loop, its checkpoints."""

import copy
import hashlib
import pickle
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the field's own name
from torch import nn
from torch.nn.functional import cross_entropy

from .data import Dataset, JobError
from .network import EVALUATION_BATCH, Network, Starter, measure_accuracy

CROP_PIXELS = 4  # the largest shift of a training crop, each way
CUTOUT_PIXELS = 8  # the side of the grey square in a training crop
CUTOUT_GREY = 120
RISE = 0.2  # the share of the steps with a rising learning rate
EMA_DECAY = 0.98
MUON_MOMENTUM = 0.6
ADAMW_LEARNING_RATE = 5e-3
ADAMW_BETAS = (0.9, 0.95)
STRANGERS_PER_PHOTO = 3 / 8  # in a batch
MINING = (0.1, 0.4)  # the shares of the steps after which the hardest strangers are sought
HARDEST = 800  # strangers at most, from which HARD_SHARE of a batch's come from then on
HARD_SHARE = 2 / 3
FIELD_SHARE = 1 / 6  # of a batch's strangers are colour fields
FIELD_POINTS = (1, 2, 4, 8, 16, 32)  # a side, of the grid that a field interpolates
EPOCHS_SHOWN = 10  # about, in the log; epochs.csv has every epoch


def crop_and_flip(padded: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """A random crop of each image, half of them mirrored.

    padded: N x 3 x (S + 2 CROP_PIXELS) x (S + 2 CROP_PIXELS), any type. Returns N x 3 x S x S of
    that type. Random numbers come from the CPU, so that they do not depend on the device.
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
    """The images N x 3 x S x S, each with a grey square at a random place (DeVries 2017).

    The square is CUTOUT_PIXELS wide and may be partly outside.
    """
    side = images.shape[-1]
    first = torch.randint(1 - CUTOUT_PIXELS, side, (2, len(images), 1), generator=generator)
    places = torch.arange(side)
    rows, columns = (first <= places) & (places < first + CUTOUT_PIXELS)
    square = (rows[:, :, None] & columns[:, None, :])[:, None].to(images.device)
    return images.masked_fill(square, CUTOUT_GREY)


def vary_sharpness(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """The images float32 N x 3 x S x S, each blurred or sharpened by a random amount.

    Photos and strangers may come from different cameras and sizes, so sharpness must not tell them
    apart. The strongest blur is that of a binomial filter of 3 x 3.
    """
    weights = torch.tensor([0.25, 0.5, 0.25], device=images.device)
    filters = (weights[:, None] * weights).expand(3, 1, 3, 3)
    blurred = F.conv2d(F.pad(images, (1, 1, 1, 1), mode="reflect"), filters, groups=3)
    amounts = 2 * torch.rand(len(images), 1, 1, 1, generator=generator).to(images.device) - 1
    return torch.lerp(images, blurred, amounts).clamp(0, 255)


def draw_fields(count: int, side: int, generator: torch.Generator) -> torch.Tensor:
    """Random colour fields, float32 N x 3 x S x S, from a plain colour to noise, soft or in blocks.

    No photo is like them, and a network that never saw them gives noise any class.
    """
    points = FIELD_POINTS[int(torch.randint(len(FIELD_POINTS), (), generator=generator))]
    fields = torch.rand(count, 3, points, points, generator=generator)
    soft = torch.rand((), generator=generator) < 0.5
    fields = F.interpolate(fields, (side, side), mode="bilinear" if soft else "nearest")
    levels = torch.rand(count, 3, 1, 1, generator=generator)
    contrasts = torch.rand(count, 1, 1, 1, generator=generator)
    return (255 * (levels + contrasts * (fields - 0.5))).clamp(0, 255)


@torch.no_grad()
def find_hardest(network: nn.Module, strangers: torch.Tensor) -> torch.Tensor:
    """The indexes of the HARDEST padded strangers, those most surely taken for one of the classes.

    Most strangers are soon told, and nothing more is learnt from them (Chen et al. 2021, ATOM).
    """
    edge = CROP_PIXELS
    confidence = [
        network(batch[:, :, edge:-edge, edge:-edge]).float().softmax(1)[:, :-1].amax(1)
        for batch in strangers.split(EVALUATION_BATCH)
    ]
    return torch.cat(confidence).topk(min(HARDEST, len(strangers))).indices


class Muon(torch.optim.Optimizer):
    """Momentum with orthogonal steps, for convolution filters (K. Jordan, 2024).

    Each filter bank keeps its norm, so the learning rate is a relative step size.
    """

    def __init__(self, parameters, lr: float, momentum: float):
        super().__init__(parameters, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self) -> None:
        """Make one step."""
        for group in self.param_groups:
            for weight in group["params"]:
                buffer = self.state[weight].setdefault("momentum", torch.zeros_like(weight))
                buffer.mul_(group["momentum"]).add_(weight.grad)
                update = weight.grad + group["momentum"] * buffer  # Nesterov
                weight.mul_(len(weight) ** 0.5 / weight.norm())
                direction = orthogonalize(update.reshape(len(update), -1)).view_as(weight)
                weight.sub_(group["lr"] * direction)


def orthogonalize(matrix: torch.Tensor, steps: int = 3) -> torch.Tensor:
    """The matrix with singular values near 1, by Newton-Schulz iterations."""
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
    if not torch.backends.cpu.get_cpu_capability().startswith("AVX512"):
        return False  # also where ATEN_CPU_CAPABILITY limits a larger processor
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name) for name in ("amx_bf16", "avx512_bf16"))


def fit(
    train: Dataset,
    validation: Dataset | None,
    *,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    label_smoothing: float,
    seed: int,
    device: torch.device,
    strong_augmentation: bool = True,
    starter: Starter | None = None,
    checkpoint: Path | None = None,
) -> tuple[Network, list[dict]]:
    """Train on `train`; return the averaged network on the CPU, and a row per epoch.

    Strangers, where `train` has some, are one more class, drawn anew for each batch, later most
    of them from the hardest. `validation` is only measured: it changes no weight and chooses no
    epoch. `strong_augmentation` helps if images are few and seen often. Without `starter` the
    network learns from scratch.
    `checkpoint` is the file of the state after each epoch: if it exists, training goes on from it
    and ends as it would have without the interruption.
    """
    hyperparameters = {
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "label_smoothing": label_smoothing,
        "seed": seed,
        "data": fingerprint([train.images, train.labels, train.classes, train.strangers]),
        "starter": starter.digest if starter else None,
    }
    torch.manual_seed(seed)
    torch.backends.cudnn.deterministic = True
    generator = torch.Generator().manual_seed(seed)
    images = torch.from_numpy(train.images).permute(0, 3, 1, 2)
    labels = torch.from_numpy(train.labels).to(device)

    network = Network(len(train.classes) + bool(len(train.strangers)))
    if starter:
        network.adopt(starter.weights)
    else:
        network.whiten(images[torch.randperm(len(images), generator=generator)[:5000]])
    network = network.to(device, memory_format=torch.channels_last)
    averaged = copy.deepcopy(network).eval()
    padded, strangers = (pad(each).to(device) for each in (train.images, train.strangers))

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
    mining = [int(share * steps) for share in MINING]
    hardest = torch.arange(len(strangers))
    bfloat16 = bfloat16_helps(device)

    stateful = {"network": network, "averaged": averaged, "muon": muon, "adamw": adamw}
    saved = load_checkpoint(checkpoint, hyperparameters)
    if saved:
        for name, part in stateful.items():
            part.load_state_dict(saved[name])
        generator.set_state(saved["generator"])
        step, history, hardest = saved["step"], saved["history"], saved["hardest"]
        print(f"going on after epoch {len(history)}, from {checkpoint}", flush=True)
    start = time.perf_counter() - (history[-1]["seconds"] if history else 0)

    for epoch in range(len(history) + 1, epochs + 1):
        # The starter keeps its batch statistics, which are of more photos than there may be here.
        network.train(mode=starter is None)
        order = torch.randperm(len(images), generator=generator)
        losses = []
        for batch in order.split(batch_size)[:per_epoch]:
            inputs, targets = padded[batch], labels[batch]
            if len(strangers):
                if step in mining:
                    hardest = find_hardest(averaged, strangers).cpu()
                count = round(len(batch) * STRANGERS_PER_PHOTO)
                drawn = torch.randint(len(strangers), (count,), generator=generator)
                hard = round(count * HARD_SHARE)
                drawn[:hard] = hardest[torch.randint(len(hardest), (hard,), generator=generator)]
                inputs = torch.cat([inputs, strangers[drawn]])
                targets = torch.cat([targets, targets.new_full((count,), len(train.classes))])
            inputs = crop_and_flip(inputs, generator).float()
            if strong_augmentation:
                inputs = vary_sharpness(inputs, generator)
            if fields := int((len(inputs) - len(batch)) * FIELD_SHARE):
                inputs[-fields:] = draw_fields(fields, inputs.shape[-1], generator)
            if strong_augmentation:
                inputs = cut_out(inputs, generator)
            with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
                logits = network(inputs).float()
            loss = cross_entropy(logits, targets, label_smoothing=label_smoothing)
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
            row["validation_accuracy"] = measure_accuracy(averaged, validation, device)
        row["seconds"] = time.perf_counter() - start
        history.append(row)
        if epoch % max(1, epochs // EPOCHS_SHOWN) == 0 or epoch == epochs:
            print_epoch(row)
        if checkpoint:
            state = {name: part.state_dict() for name, part in stateful.items()}
            state |= {"step": step, "history": history, "hardest": hardest}
            state["generator"] = generator.get_state()
            save_checkpoint(checkpoint, {**state, "hyperparameters": hyperparameters})
    return averaged.cpu(), history


def pad(images: np.ndarray) -> torch.Tensor:
    """Images uint8 N x S x S x 3 -> N x 3 x (S + 2 CROP_PIXELS) a side, mirrored at the edges."""
    border = ((0, 0), (CROP_PIXELS, CROP_PIXELS), (CROP_PIXELS, CROP_PIXELS), (0, 0))
    padded = np.pad(images, border, mode="reflect")
    return torch.from_numpy(padded).permute(0, 3, 1, 2)  # channels last in memory


def fingerprint(parts: Iterable) -> str:
    """A SHA-256 of the content of arrays, tensors and lists of names."""
    digest = hashlib.sha256()
    for part in parts:
        array = np.asarray(part)
        digest.update(f"{array.dtype}{array.shape}".encode() + array.tobytes())
    return digest.hexdigest()


def save_checkpoint(path: Path, state: dict) -> None:
    """Write the state. If the job is stopped meanwhile, the last file is still whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    torch.save(state, part)
    part.replace(path)


# torch.load's errors for a file of another kind depend on the file's first bytes.
UNREADABLE = (EOFError, LookupError, RuntimeError, TypeError, ValueError, pickle.UnpicklingError)


def load_checkpoint(path: Path | None, hyperparameters: dict) -> dict | None:
    """The state at `path`; None if there is none. JobError if it is another job's."""
    if not path or not path.exists():
        return None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        saved = state["hyperparameters"]
        different = [name for name in hyperparameters if saved[name] != hyperparameters[name]]
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
    """Move the averaged network's weights towards the network's."""
    means, values = averaged.state_dict().values(), network.state_dict().values()
    for mean, value in zip(means, values, strict=True):
        if mean.is_floating_point():
            mean.lerp_(value, 1 - decay)


def print_epoch(row: dict) -> None:
    """Print an epoch in the form that the job's metric definitions match."""
    validation = ""
    if "validation_accuracy" in row:
        validation = f"validation_accuracy={row['validation_accuracy']:.4f}  "
    print(
        f"epoch={row['epoch']:<3d}  loss={row['loss']:.4f}  {validation}"
        f"seconds={row['seconds']:.1f}",
        flush=True,
    )
