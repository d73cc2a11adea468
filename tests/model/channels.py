"""Small channels of noise, reddish in class 0, bluish in class 1, strangers green: soon learned."""

from pathlib import Path

import numpy as np

CLASSES = ["red", "blue"]
SIZES = {"train": 64, "validation": 24, "test": 24}
STRANGERS = 24  # in each channel


def arrays(count: int, seed: int, side: int = 16) -> dict[str, np.ndarray]:
    """What a data.npz holds."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count, dtype=np.int64) % 2
    images = rng.integers(0, 200, (count, side, side, 3), dtype=np.uint8)
    images[np.arange(count), :, :, 2 * labels] //= 2
    strangers = rng.integers(0, 200, (STRANGERS, side, side, 3), dtype=np.uint8)
    strangers[..., ::2] //= 4
    return {
        "images": images,
        "labels": labels,
        "names": np.array([f"{index}.png" for index in range(count)]),
        "classes": np.array(CLASSES),
        "strangers": strangers,
    }


def write(folder: Path, with_strangers: bool = True, **changes: np.ndarray) -> Path:
    """Write all three channels below `folder`; `changes` replace arrays of validation."""
    for seed, (name, count) in enumerate(SIZES.items()):
        data = arrays(count, seed)
        if not with_strangers:
            del data["strangers"]
        if name == "validation":
            data.update(changes)
        (folder / name).mkdir(parents=True, exist_ok=True)
        np.savez(folder / name / "data.npz", **data)
    return folder


def arguments(channels: Path, out: Path) -> list[str]:
    """Arguments for train.py: the channels below `channels`, results below `out`."""
    folders = [part for name in SIZES for part in (f"--{name}", str(channels / name))]
    return [*folders, "--model-dir", str(out / "model"), "--output-data-dir", str(out / "output")]
