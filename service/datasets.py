"""A dataset in the bucket: `datasets/<name>/`, which exists once its dataset.json does."""

import hashlib
import io
import json
from collections.abc import Iterator
from datetime import datetime
from functools import partial

import numpy as np

from service import labelled_images, storage, terminal
from service.keys import DATASETS
from service.labelled_images import LabelledImages, Source
from service.terminal import UserError

DESCRIPTION = "dataset.json"
NAME_LENGTH = 60

Splits = dict[str, LabelledImages]


def make_name(source: Source) -> str:
    """Return `<source>-<classes joined by ->`; where that grows long, a digest of the classes."""
    name = "-".join([source.name, *source.classes])
    if len(name) <= NAME_LENGTH:
        return name
    digest = hashlib.sha256(",".join(source.classes).encode()).hexdigest()[:8]
    return f"{source.name}-{len(source.classes)}-classes-{digest}"


def split(source: Source) -> Splits:
    """Return the rows of train, validation and test. Test is the source's own."""
    train, validation = labelled_images.hold_out(source.train)
    return {"train": train, "validation": validation, "test": source.test}


def publish(s3, bucket: str, source: Source, splits: Splits) -> tuple[str, storage.Summary]:
    """Write the dataset and return its name and what was sent. Warns where it replaces another.

    dataset.json is written last, and taken away first where other data stood under the name,
    so that whoever finds it finds a whole dataset.
    """
    name = make_name(source)
    prefix = f"{DATASETS}{name}/"
    arrays = {
        part: labelled_images.encode_npz(rows, source.classes) for part, rows in splits.items()
    }
    description = _describe(name, source, splits, arrays)
    if storage.read(s3, bucket, prefix + DESCRIPTION) not in (None, description):
        before = _read_description(s3, bucket, name).get("origin", "other photos")
        terminal.warn(f"The dataset {name} is replaced: it was of {before}, now {source.origin}.")
        s3.delete_object(Bucket=bucket, Key=prefix + DESCRIPTION)
    summary = storage.Summary(0, 0, 0, 0)
    for folder, uploads in (
        ("arrays/", _array_uploads(prefix, arrays)),
        ("images/", _image_uploads(prefix, source, splits)),
    ):
        summary += storage.mirror(s3, bucket, prefix + folder, uploads)
    # Written though it may be there: its date says which dataset is the newest.
    s3.put_object(
        Bucket=bucket,
        Key=prefix + DESCRIPTION,
        Body=description,
        ContentType="application/json",
    )
    return name, summary


def find(s3, bucket: str, name: str | None = None) -> dict:
    """Return the dataset.json of the named dataset, or of the newest. UserError if none."""
    found = _dates(s3, bucket)
    if not found:
        raise UserError(
            f"There is no dataset in {bucket}. Make one: python -m scripts.etl (same --stage)"
        )
    if name is not None and name not in found:
        raise UserError(f"There is no dataset {name!r}. There are: {', '.join(sorted(found))}.")
    name = name or _newest_first(found)[0]
    data = _read_description(s3, bucket, name)
    if data.get("name") != name:
        raise UserError(
            f"s3://{bucket}/{DATASETS}{name}/{DESCRIPTION} describes no dataset of this name: "
            "make it again with python -m scripts.etl (same --stage)."
        )
    return data


def newest(s3, bucket: str, size: int) -> str | None:
    """Return the name of the newest dataset of photos of this size, or None where there is none."""
    for name in _newest_first(_dates(s3, bucket)):
        if _stated_size(_read_description(s3, bucket, name)) == size:
            return name
    return None


def check_size(data: dict, size: int) -> None:
    """Raise UserError for a dataset whose photos have another size than config.yml's."""
    stamped = _stated_size(data)
    if stamped != size:
        sides = f"has photos of {stamped} pixels a side" if stamped else "does not say its size"
        raise UserError(
            f"The dataset {data['name']} {sides}, and image.size in config.yml is {size}: make it "
            "again with python -m scripts.etl (same --stage), or put the size back."
        )


def _dates(s3, bucket: str) -> dict[str, datetime]:
    found = {}
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix=DATASETS, Delimiter="/"
    )
    for page in pages:
        for folder in page.get("CommonPrefixes", []):
            key = folder["Prefix"] + DESCRIPTION
            objects = s3.list_objects_v2(Bucket=bucket, Prefix=key).get("Contents", [])
            if objects:
                found[folder["Prefix"][len(DATASETS) : -1]] = objects[0]["LastModified"]
    return found


def _newest_first(found: dict[str, datetime]) -> list[str]:
    return sorted(sorted(found), key=lambda name: found[name], reverse=True)


def _read_description(s3, bucket: str, name: str) -> dict:
    """Return what dataset.json says: nothing where it is gone, or no JSON object."""
    try:
        data = json.loads(storage.read(s3, bucket, f"{DATASETS}{name}/{DESCRIPTION}") or b"")
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def _stated_size(data: dict) -> int | None:
    size = data.get("image_size")
    return size if isinstance(size, int) and not isinstance(size, bool) else None


def arrays_uri(bucket: str, name: str, part: str) -> str:
    """Return where the arrays of a split lie."""
    return f"s3://{bucket}/{DATASETS}{name}/arrays/{part}/"


def read_rows(s3, bucket: str, name: str, part: str) -> LabelledImages:
    """Return the rows of a split."""
    key = f"{DATASETS}{name}/arrays/{part}/data.npz"
    body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
        return LabelledImages(arrays["images"], arrays["labels"], arrays["names"])


def is_trained_on(s3, bucket: str, name: str, job: dict) -> bool:
    """Tell whether a training job was given the dataset as it is now."""
    training_rows = f"{DATASETS}{name}/arrays/train/data.npz"
    changed = s3.head_object(Bucket=bucket, Key=training_rows)["LastModified"]
    channel = job["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"]
    return f"/{DATASETS}{name}/" in channel and changed <= job["CreationTime"]


def image_key(name: str, part: str, class_name: str, image: str) -> str:
    """Return the key of an image."""
    return f"{DATASETS}{name}/images/{part}/{class_name}/{image}.png"


def sample_batch(source: Source, test: LabelledImages, size: int) -> dict:
    """Return a batch for the workflow: `size` test photos, the classes taking turns."""
    name = make_name(source)
    ranked = [
        (place, label, test.names[row])
        for label in range(len(source.classes))
        for place, row in enumerate(np.flatnonzero(test.labels == label))
    ]
    return {
        "images": [
            {"s3_key": image_key(name, "test", source.classes[label], image)}
            for _, label, image in sorted(ranked)[:size]
        ]
    }


def _describe(name: str, source: Source, splits: Splits, arrays: dict[str, bytes]) -> bytes:
    description = {
        "name": name,
        "source": source.name,
        "origin": source.origin,
        "classes": list(source.classes),
        "image_size": source.train.images.shape[1],
        "counts": {
            part: {
                class_name: int((rows.labels == label).sum())
                for label, class_name in enumerate(source.classes)
            }
            for part, rows in splits.items()
        },
        "seed": labelled_images.SEED,
        "validation_fraction": labelled_images.VALIDATION_FRACTION,
        "sha256": {part: hashlib.sha256(body).hexdigest() for part, body in arrays.items()},
    }
    return (json.dumps(description, indent=2) + "\n").encode()


def _array_uploads(prefix: str, arrays: dict[str, bytes]) -> Iterator[storage.Upload]:
    for part in arrays:
        key = f"{prefix}arrays/{part}/data.npz"
        body = partial(arrays.__getitem__, part)
        yield storage.Upload(key, body, "application/octet-stream")


def _image_uploads(prefix: str, source: Source, splits: Splits) -> Iterator[storage.Upload]:
    name = prefix[len(DATASETS) : -1]
    for part, rows in splits.items():
        for image, label, image_name in zip(rows.images, rows.labels, rows.names, strict=True):
            key = image_key(name, part, source.classes[label], image_name)
            yield storage.Upload(key, partial(labelled_images.encode_png, image), "image/png")
