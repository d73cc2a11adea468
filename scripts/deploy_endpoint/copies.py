"""A model on its way to production: copied from another stage, with the photos that go with it.

The stage's own bucket gets the model, which its roles can read there, a record of where it came
from, and a dataset of the model's validation photos, of which monitoring makes the baseline, and a
test photo of each class. Names hold the digest of the model: what serves is never written over.
"""

import hashlib
import tempfile

import numpy as np

from service import datasets, origins, terminal
from service.datasets import Split
from service.hosting import Hosting
from service.keys import COPIES
from service.labelled_images import Source
from service.origins import Origin
from service.stack import Cloud, find_stack
from service.storage import object_exists, split_uri
from service.terminal import UserError

DIGITS = 12  # of a digest in a name


def copy_model(cloud: Cloud, stage: str, bucket: str) -> str:
    """Copy the model that the stage serves into the bucket; return its URI. UserError if none."""
    other = find_stack(cloud, stage)
    hosting = Hosting(cloud.client("sagemaker"), other.endpoint)
    model = hosting.served_model()
    if model is None:
        raise UserError(
            f"The endpoint {other.endpoint} is not in service, and its model is the one to take. "
            f"Deploy it: python -m scripts.deploy_endpoint --stage {stage}"
        )
    s3 = cloud.client("s3")
    with tempfile.TemporaryFile() as archive:
        s3.download_fileobj(*split_uri(model), archive)
        archive.seek(0)
        digest = hashlib.file_digest(archive, "sha256").hexdigest()
        key = f"{COPIES}{stage}/{digest[:DIGITS]}/model.tar.gz"
        archive.seek(0)
        if not object_exists(s3, bucket, key):
            s3.upload_fileobj(archive, bucket, key)
    job, earlier = hosting.served_job(), origins.read(s3, model)
    data = datasets.find_trained_on(s3, other.bucket, job) if job else None
    if earlier and earlier.dataset:  # the other stage took the model over itself
        data = datasets.find(s3, other.bucket, earlier.dataset)
    dataset = None
    if data:
        dataset = copy_photos(s3, other.bucket, data, bucket, f"{stage}-{digest[:DIGITS]}")
    else:
        terminal.warn(
            "No photos come with the model, as those that it was trained on are not known. Its "
            "baseline takes captures: python -m scripts.monitor baseline --since 24h (same --stage)"
        )
    trained = job["TrainingJobName"] if job else earlier and earlier.training_job
    origins.write(s3, bucket, key, Origin(stage, model, digest, trained, dataset))
    return f"s3://{bucket}/{key}"


def copy_photos(s3, source: str, data: dict, bucket: str, name: str) -> str:
    """Copy a dataset's validation photos and a test photo of each class; return its new name."""
    validation, test = (
        datasets.read_split(s3, source, data["name"], part)[0] for part in ("validation", "test")
    )
    none = validation.take(np.zeros(len(validation), bool))
    one_each = test.take(np.unique(test.labels, return_index=True)[1])
    parts = {"train": none, "validation": validation, "test": one_each}
    splits = {part: Split(rows, none) for part, rows in parts.items()}
    origin = f"{data['origin']} (for the model of {name})"
    copy = Source(name, origin, tuple(data["classes"]), none, parts["test"])
    dataset, summary = datasets.publish(s3, bucket, copy, splits)
    terminal.print_line("Photos", f"{dataset}: {summary.sent:,} sent, {summary.kept:,} were there")
    return dataset
