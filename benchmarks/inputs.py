"""What benchmarks send to the model: pictures, their bytes, and an untrained model to ask."""

import io
import json
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 32
VARIETY = 16  # different pictures, so that no cache answers for the model


def make_pictures(count: int) -> np.ndarray:
    """Return pictures uint8 N x SIDE x SIDE x 3 that a PNG compresses about as it does a photo."""
    rng = np.random.default_rng(0)
    result = np.empty((count, SIDE, SIDE, 3), np.uint8)
    for picture in result:
        coarse = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))
        smooth = np.asarray(coarse.resize((SIDE, SIDE), Image.Resampling.BICUBIC), np.int16)
        picture[:] = np.clip(smooth + rng.integers(-4, 5, smooth.shape), 0, 255)
    return result


def make_batches(batch: int, count: int) -> list[np.ndarray]:
    """Return `count` different arrays of so many pictures."""
    pictures = make_pictures(VARIETY)
    return [np.resize(np.roll(pictures, n, 0), (batch, SIDE, SIDE, 3)) for n in range(count)]


def encode(picture: np.ndarray, name: str) -> bytes:
    """Return a picture in that format's bytes."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, name)
    return file.getvalue()


def encode_npy(array: np.ndarray) -> bytes:
    """Return an array in npy's bytes."""
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def make_untrained_model(folder: Path) -> Path:
    """Put train.py's network as it is before training, which is as fast as any, into a folder."""
    import torch  # here, because only this needs it

    from model.training import network
    from model.training.evaluation import Calibration
    from model.training.export import export

    torch.manual_seed(0)
    classes = ["bicycle", "motorcycle"]
    classifier = network.Classifier(network.Network(len(classes) + 1), Calibration(1.0, 0.0))
    export(classifier.eval(), SIDE, folder / "model.onnx")
    (folder / "classes.json").write_text(json.dumps(classes))
    return folder
