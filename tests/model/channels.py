"""Small channels of noise, reddish in class 0 and bluish in class 1: soon learned."""

from pathlib import Path

import numpy as np

CLASSES = ["red", "blue"]
SIZES = {"train": 64, "validation": 24, "test": 24}


def arrays(count: int, seed: int, side: int = 16) -> dict[str, np.ndarray]:
    """What a data.npz holds."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count, dtype=np.int64) % 2
    images = rng.integers(0, 200, (count, side, side, 3), dtype=np.uint8)
    images[np.arange(count), :, :, 2 * labels] //= 2
    return {
        "images": images,
        "labels": labels,
        "names": np.array([f"{index}.png" for index in range(count)]),
        "classes": np.array(CLASSES),
    }


def write(folder: Path, **changes: np.ndarray) -> Path:
    """Write all three channels below `folder`; `changes` replace arrays of validation."""
    for seed, (name, count) in enumerate(SIZES.items()):
        data = arrays(count, seed)
        if name == "validation":
            data.update(changes)
        (folder / name).mkdir(parents=True, exist_ok=True)
        np.savez(folder / name / "data.npz", **data)
    return folder


def arguments(channels: Path, out: Path) -> list[str]:
    """Arguments for train.py: the channels below `channels`, results below `out`."""
    folders = [part for name in SIZES for part in (f"--{name}", str(channels / name))]
    return [*folders, "--model-dir", str(out / "model"), "--output-data-dir", str(out / "output")]
