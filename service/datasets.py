"""Datasets in the bucket: each lies below `datasets/<name>/`, and is there if dataset.json is."""

import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import numpy as np

from service import labelled_images, storage, terminal
from service.keys import DATASETS
from service.labelled_images import LabelledImages, Source
from service.terminal import UserError

DESCRIPTION = "dataset.json"
NAME_LENGTH = 60

SHOWN_STRANGERS = 100  # test strangers that lie in the bucket as photos too
# Strangers of each split at most: training sees each about once, and a thousand tell a share of one
# in a hundred to within a half.
STRANGERS = {"train": 6400, "validation": 1000, "test": 1000}


@dataclass(frozen=True)
class Split:
    """A split's rows, and its strangers, which may be none; their labels are indexes of kinds."""

    rows: LabelledImages
    strangers: LabelledImages


Splits = dict[str, Split]


def make_name(source: Source) -> str:
    """Return `<source>-<class>-<class>...`, or with a digest of the classes if that is too long."""
    name = "-".join([source.name, *source.classes])
    if len(name) <= NAME_LENGTH:
        return name
    digest = hashlib.sha256(",".join(source.classes).encode()).hexdigest()[:8]
    return f"{source.name}-{len(source.classes)}-classes-{digest}"


def split(source: Source) -> Splits:
    """Return the rows of train, validation and test. The test rows are the source's own.

    Raises UserError where strangers are so few that a part has none.
    """
    train, validation = labelled_images.hold_out(source.train)
    rows = {"train": train, "validation": validation, "test": source.test}
    strangers = dict.fromkeys(rows, train.take(np.arange(0)))
    if source.strangers:
        train, validation = labelled_images.hold_out(source.strangers.train)
        found = {"train": train, "validation": validation, "test": source.strangers.test}
        strangers = {
            part: labelled_images.thin_out(found[part], most) for part, most in STRANGERS.items()
        }
        if not all(map(len, strangers.values())):
            counts = ", ".join(f"{part} {len(each)}" for part, each in strangers.items())
            raise UserError(
                f"Too few strangers in {source.strangers.origin}: {counts}. Training, validation "
                "and test each need some: take a source with five photos of a kind or more."
            )
    return {part: Split(rows[part], strangers[part]) for part in rows}


def publish(s3, bucket: str, source: Source, splits: Splits) -> tuple[str, storage.Summary]:
    """Write the dataset; return its name and what was sent. Warns if it replaces another dataset.

    dataset.json is written last, and deleted first if it describes other data: a dataset that has
    one is whole.
    """
    name = make_name(source)
    prefix = f"{DATASETS}{name}/"
    arrays = {
        part: labelled_images.encode_npz(each.rows, source.classes, each.strangers.images)
        for part, each in splits.items()
    }
    key, description = prefix + DESCRIPTION, _describe(name, source, splits, arrays)
    if storage.read(s3, bucket, key) not in (None, description):
        before = _read_description(s3, bucket, name)["origin"]
        terminal.warn(f"The dataset {name} is replaced: it was of {before}, now {source.origin}.")
        s3.delete_object(Bucket=bucket, Key=key)
    uploads = _list_uploads(name, source, splits, arrays)
    summary = storage.mirror(s3, bucket, prefix, uploads, spared=key)
    # Written though it may be there: its date says which dataset is the newest.
    s3.put_object(Bucket=bucket, Key=key, Body=description, ContentType="application/json")
    return name, summary


def find(s3, bucket: str, name: str | None = None) -> dict:
    """Return the dataset.json of the named dataset, or of the newest. UserError if none."""
    dates = _dates(s3, bucket)
    if not dates:
        raise UserError(
            f"There is no dataset in {bucket}. Make one: python -m scripts.etl (same --stage)"
        )
    if name is not None and name not in dates:
        raise UserError(f"There is no dataset {name!r}. There are: {', '.join(sorted(dates))}.")
    name = name or next(iter(dates))
    return _read_description(s3, bucket, name)


def check_dataset_image_size(data: dict, size: int) -> None:
    """Raise UserError unless the dataset's photos have this size, which is config.yml's."""
    side = data.get("image_size")  # datasets of earlier versions do not say it
    advice = "make it again with python -m scripts.etl (same --stage), or put the size back"
    check_image_size(f"The dataset {data['name']} has", side, size, advice)


def check_image_size(what: str, side: object, size: int, advice: str) -> None:
    """Raise UserError unless photos have this size, which is config.yml's.

    side: their pixels; None where a dataset or a model does not say it. advice: what to do then.
    """
    if side != size:
        sides = f"photos of {side} pixels a side" if side else "photos of no stated size"
        raise UserError(f"{what} {sides}, and image.size in config.yml is {size}: {advice}.")


def _dates(s3, bucket: str) -> dict[str, datetime]:
    """Return when each dataset's dataset.json was written, the newest first."""
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix=DATASETS, Delimiter="/"
    )
    dates = {
        folder["Prefix"][len(DATASETS) : -1]: each["LastModified"]
        for page in pages
        for folder in page.get("CommonPrefixes", [])
        for each in storage.list_first(s3, bucket, folder["Prefix"] + DESCRIPTION)
    }
    return dict(sorted(sorted(dates.items()), key=lambda item: item[1], reverse=True))


def _read_description(s3, bucket: str, name: str) -> dict:
    return json.loads(storage.read(s3, bucket, f"{DATASETS}{name}/{DESCRIPTION}") or b"{}")


def arrays_uri(bucket: str, name: str, part: str) -> str:
    """Return the prefix of a split's arrays."""
    return f"s3://{bucket}/{DATASETS}{name}/arrays/{part}/"


def read_split(s3, bucket: str, name: str, part: str) -> tuple[LabelledImages, np.ndarray]:
    """Return the rows of a split, and the images of its strangers."""
    key = f"{DATASETS}{name}/arrays/{part}/data.npz"
    body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
        rows = LabelledImages(arrays["images"], arrays["labels"], arrays["names"])
        return rows, arrays["strangers"] if "strangers" in arrays else rows.images[:0]


def find_test_photos(s3, bucket: str, size: int) -> tuple[str | None, dict[str, str]]:
    """Return the newest dataset with photos of this size, and {class: key} of a test photo of each.

    A class without one is left out; without a dataset they are None and {}.
    """
    for name in _dates(s3, bucket):
        data = _read_description(s3, bucket, name)
        if data.get("image_size") == size:
            return name, {
                label: each["Key"]
                for label in data["classes"]
                for each in storage.list_first(s3, bucket, f"{DATASETS}{name}/images/test/{label}/")
            }
    return None, {}


def is_trained_on(s3, bucket: str, name: str, job: dict) -> bool:
    """Whether a training job read the dataset as it is now."""
    key = f"{DATASETS}{name}/arrays/train/data.npz"
    changed = s3.head_object(Bucket=bucket, Key=key)["LastModified"]
    channel = job["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"]
    return f"/{DATASETS}{name}/" in channel and changed <= job["CreationTime"]


def find_trained_on(s3, bucket: str, job: dict) -> dict | None:
    """Return the dataset.json of the dataset that a training job read; None if it has changed."""
    names = (each for each in _dates(s3, bucket) if is_trained_on(s3, bucket, each, job))
    name = next(names, None)
    return _read_description(s3, bucket, name) if name else None


def _image_key(name: str, part: str, class_name: str, image: str) -> str:
    return f"{DATASETS}{name}/images/{part}/{class_name}/{image}.png"


def _stranger_key(name: str, number: int) -> str:
    return f"{DATASETS}{name}/images/strangers/{number:03}.png"


def sample_batch(source: Source, test: Split, size: int) -> dict:
    """Return a batch: `size` test photos, classes in turns, a stranger, and what is no photo."""
    name = make_name(source)
    ranked = [
        (place, label, test.rows.names[row])
        for label in range(len(source.classes))
        for place, row in enumerate(np.flatnonzero(test.rows.labels == label))
    ]
    keys = [
        _image_key(name, "test", source.classes[label], image)
        for _, label, image in sorted(ranked)[:size]
    ]
    keys += [_stranger_key(name, 0)] if len(test.strangers) else []
    return {"images": [{"s3_key": key} for key in (*keys, f"{DATASETS}{name}/{DESCRIPTION}")]}


def _describe(name: str, source: Source, splits: Splits, arrays: dict[str, bytes]) -> bytes:
    description = {
        "name": name,
        "source": source.name,
        "origin": source.origin,
        "classes": list(source.classes),
        "image_size": source.train.images.shape[1],
        "counts": {
            part: {
                class_name: int((each.rows.labels == label).sum())
                for label, class_name in enumerate(source.classes)
            }
            for part, each in splits.items()
        },
        "strangers": {
            "origin": source.strangers.origin,
            "counts": {part: len(each.strangers) for part, each in splits.items()},
        }
        if source.strangers
        else None,
        "seed": labelled_images.SEED,
        "validation_fraction": labelled_images.VALIDATION_FRACTION,
        "sha256": {part: hashlib.sha256(body).hexdigest() for part, body in arrays.items()},
    }
    return (json.dumps(description, indent=2) + "\n").encode()


def _list_uploads(
    name: str, source: Source, splits: Splits, arrays: dict[str, bytes]
) -> Iterator[storage.Upload]:
    for part, each in splits.items():
        key = f"{DATASETS}{name}/arrays/{part}/data.npz"
        yield storage.Upload(key, partial(arrays.__getitem__, part), "application/octet-stream")
        rows = each.rows
        for image, label, image_name in zip(rows.images, rows.labels, rows.names, strict=True):
            key = _image_key(name, part, source.classes[label], image_name)
            yield storage.Upload(key, partial(labelled_images.encode_png, image), "image/png")
    strangers = splits["test"].strangers
    for number, image in enumerate(strangers.images[:SHOWN_STRANGERS]):
        body = partial(labelled_images.encode_png, image)
        yield storage.Upload(_stranger_key(name, number), body, "image/png")
