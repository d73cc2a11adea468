"""The network, its starter weights, and the classifier that is served."""

import hashlib
import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the field's own name
from torch import nn

from .data import Dataset, JobError
from .evaluation import Calibration

STEM_FILTERS = 24  # 12 whitening filters of 2 x 2 x 3, and their negatives
STAGES = (32, 64, 128)

STARTER = Path(__file__).parents[1] / "starter.npz"
FROZEN_STAGES = 1  # of the starter's: edges and colours are the same for all classes
EVALUATION_BATCH = 500


class Stage(nn.Module):
    """Halves the image, widens it, and adds one residual convolution."""

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
    """A whitened 2 x 2 stem, three residual stages, a maximum over the image, a linear layer.

    Its outputs are the logits of C classes and, where strangers are known, one more for them.
    """

    def __init__(self, outputs: int):
        super().__init__()
        self.register_buffer("mean", torch.zeros(1, 3, 1, 1))
        self.register_buffer("std", torch.ones(1, 3, 1, 1))
        self.stem = nn.Conv2d(3, STEM_FILTERS, 2)
        widths = (STEM_FILTERS, *STAGES)
        self.stages = nn.Sequential(*map(Stage, widths, STAGES))
        self.head = nn.Linear(STAGES[-1], outputs)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Images N x 3 x S x S, 0 to 255, any type -> features, the last layer's input, N x D."""
        x = (images.float() - self.mean) / self.std
        return self.stages(F.gelu(self.stem(x))).amax((2, 3))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images N x 3 x S x S, 0 to 255, any type -> logits N x outputs."""
        return self.head(self.features(images))

    def logits_and_features(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Images uint8 N x S x S x 3 -> logits N x outputs and features N x D.

        Logits are the mean of an image's and its mirror's; the features are the image's own.
        """
        pixels = images.permute(0, 3, 1, 2).float()
        features = self.features(pixels)
        return (self.head(features) + self(pixels.flip(3))) / 2, features

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
        """Take over all weights except the last layer's, which is for other classes.

        The stem and the first stages are frozen. JobError for weights of another network.
        """
        body = body_shapes(weights)
        if body != body_shapes(self.state_dict()):
            raise JobError(f"the starter weights {STARTER} are of another network")
        self.load_state_dict({name: weights[name] for name in body}, strict=False)
        self.stem.requires_grad_(False)
        self.stages[:FROZEN_STAGES].requires_grad_(False)


def body_shapes(weights: dict[str, torch.Tensor]) -> dict[str, torch.Size]:
    """The shapes of a network's weights, without the last layer and counters."""
    return {
        name: value.shape
        for name, value in weights.items()
        if value.is_floating_point() and not name.startswith("head.")
    }


class Starter(NamedTuple):
    """The weights of a network trained on other classes, and their file's SHA-256."""

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
    """The model that is served: pixels in, calibrated probabilities and an embedding out."""

    def __init__(self, network: Network, calibration: Calibration):
        super().__init__()
        self.network = network
        self.calibration = calibration

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Images uint8 N x S x S x 3 -> probabilities float32 N x C, embedding float32 N x D.

        The probabilities are those of Calibration.apply.
        """
        logits, features = self.network.logits_and_features(images)
        logits = logits / self.calibration.temperature
        if self.calibration.stranger_bias is None:
            return logits.softmax(1), features
        biases = torch.zeros(logits.shape[1])
        biases[-1] = self.calibration.stranger_bias
        return (logits + biases).softmax(1)[:, :-1], features


@torch.no_grad()
def measure_accuracy(network: Network, data: Dataset, device: torch.device) -> float:
    """The network's accuracy on `data`, without mirror images."""
    right = 0
    for begin in range(0, len(data.images), EVALUATION_BATCH):
        images = torch.from_numpy(data.images[begin : begin + EVALUATION_BATCH]).to(device)
        labels = torch.from_numpy(data.labels[begin : begin + EVALUATION_BATCH]).to(device)
        logits = network(images.permute(0, 3, 1, 2))[:, : len(data.classes)]
        right += (logits.argmax(1) == labels).sum().item()
    return right / len(data.images)


@torch.no_grad()
def compute_logits(network: Network, images: np.ndarray) -> np.ndarray:
    """Images uint8 N x S x S x 3, N may be 0 -> logits float64 N x outputs."""
    batches = torch.from_numpy(images).split(EVALUATION_BATCH)
    return torch.cat([network.logits_and_features(batch)[0] for batch in batches]).double().numpy()
