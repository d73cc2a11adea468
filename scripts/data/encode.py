"""Images as bytes. The same input gives the same bytes, so that S3 can tell what it has."""

import io
import zipfile
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image

from scripts.data.images import LabelledImages

EPOCH = (1980, 1, 1, 0, 0, 0)  # the first that zip knows; numpy.savez writes today's


def png(image: np.ndarray) -> bytes:
    """Encode one image, uint8 H x W x 3."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def npz(rows: LabelledImages, classes: Sequence[str]) -> bytes:
    """Encode rows as data.npz: `images`, `labels`, `names` and `classes`, without pickles."""
    return arrays(
        {
            "images": rows.images,
            "labels": rows.labels,
            "names": rows.names,
            "classes": np.array(classes),
        }
    )


def arrays(named: Mapping[str, np.ndarray]) -> bytes:
    """Encode arrays by name as numpy.load reads them, without pickles."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in named.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy", EPOCH), "w") as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
    return file.getvalue()
