"""The validation photos of a dataset as the table has them, answered by a trained model.

The model runs here and not behind the endpoint, where Data Capture would keep the photos among
those that people sent.
"""

import io
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from model.serving.classifier import Classifier, ModelError
from scripts import dataset
from scripts.cli import UserError
from scripts.data.images import LabelledImages
from scripts.job_output import read_member
from scripts.monitoring import embedding, rows
from scripts.monitoring.images import Images
from scripts.storage import split_uri

BATCH = 64


def read_channel(s3, job: dict) -> tuple[str, LabelledImages]:
    """Return where a training job's validation photos lie, and the photos."""
    for channel in job["InputDataConfig"]:
        if channel["ChannelName"] == "validation":
            uri = f"{channel['DataSource']['S3DataSource']['S3Uri'].rstrip('/')}/data.npz"
            return uri, _read(s3, uri)
    raise UserError(f"The training job {job['TrainingJobName']} had no validation photos.")


def read_dataset(s3, bucket: str, name: str | None) -> tuple[str, LabelledImages]:
    """Return where the validation photos of a dataset lie, the newest if none is named."""
    found = dataset.find(s3, bucket, name)["name"]
    uri = f"{dataset.arrays_uri(bucket, found, 'validation')}data.npz"
    return uri, _read(s3, uri)


def table_of(s3, photos: LabelledImages, uri: str, model_data: str) -> pd.DataFrame:
    """Return the photos' table; `uri` is where they lie, model_data where the model.tar.gz does."""
    with TemporaryDirectory() as place:
        folder = Path(place)
        for name in ("model.onnx", "classes.json"):
            (folder / name).write_bytes(read_member(s3, model_data, name))
        try:
            classifier = Classifier(folder)
        except ModelError as error:
            raise UserError(f"The model in {model_data} cannot be used: {error}") from error
        model = embedding.read(folder)
    count, height, width, _ = photos.images.shape
    if (height, width) != (classifier.side, classifier.side):
        raise UserError(
            f"The photos at {uri} have {width} x {height} pixels, the model takes "
            f"{classifier.side} x {classifier.side}: it was trained on others."
        )
    probabilities = np.concatenate(
        [classifier(photos.images[start : start + BATCH]) for start in range(0, count, BATCH)]
    )
    gatherer = rows.Gatherer(embedding.Embedder(model.graph) if model.graph else None)
    seen = Images(photos.images, width, height, photos.images if model.graph else None)
    names = [str(name) for name in photos.names]
    gatherer.add(0, names, (uri, 0), tuple(classifier.classes), probabilities, seen)
    return rows.to_frame([gatherer.finish()])


def _read(s3, uri: str) -> LabelledImages:
    bucket, key = split_uri(uri)
    body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
        return LabelledImages(arrays["images"], arrays["labels"], arrays["names"])
