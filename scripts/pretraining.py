"""The pretraining set in the bucket: what a network sees before it learns a dataset's classes."""

import io

import numpy as np

from scripts import storage
from scripts.cli import UserError
from scripts.data import encode, split
from scripts.data.images import LabelledImages, Source

PREFIX = "pretraining/cifar10/"
KEY = f"{PREFIX}data.npz"
CONTENT_TYPE = "application/octet-stream"


def rows_of(source: Source) -> LabelledImages:
    """Return the training rows less those that validation holds out.

    A row's place depends on its pixels and class alone, so that no dataset of these classes has
    a validation or test row among them.
    """
    return split.hold_out(source.train)[0]


def publish(s3, bucket: str, source: Source) -> storage.Summary:
    """Write the set, unless it is there already, and return what was sent."""
    body = encode.npz(rows_of(source), source.classes)
    upload = storage.Upload(KEY, lambda: body, CONTENT_TYPE)
    return storage.mirror(s3, bucket, PREFIX, [upload])


def read(s3, bucket: str) -> tuple[LabelledImages, tuple[str, ...]]:
    """Return the set's rows and their classes."""
    body = s3.get_object(Bucket=bucket, Key=KEY)["Body"].read()
    with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
        rows = LabelledImages(arrays["images"], arrays["labels"], arrays["names"])
        return rows, tuple(arrays["classes"].tolist())


def uri(s3, bucket: str) -> str:
    """Return where the set lies. UserError if it is not there."""
    if KEY not in storage.listing(s3, bucket, PREFIX):
        raise UserError(
            f"There is no pretraining set in {bucket}. Make it: python -m scripts.etl "
            "--pretraining (same --stage)"
        )
    return f"s3://{bucket}/{PREFIX}"
