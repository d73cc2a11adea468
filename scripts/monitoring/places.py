"""A place for files: a folder of this machine, or `s3://bucket/prefix`."""

from pathlib import Path

from scripts import storage
from scripts.cloud import Cloud


def client(cloud: Cloud | None, place: str):
    """Return the S3 client that `put` and `get` take for the place, None for a folder."""
    return (cloud or Cloud()).client("s3") if place.startswith("s3://") else None


def put(s3, place: str, name: str, body: bytes, content_type: str) -> str:
    """Write a file and return where it lies."""
    if place.startswith("s3://"):
        uri = f"{place.rstrip('/')}/{name}"
        bucket, key = storage.split_uri(uri)
        s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType=content_type)
        return uri
    path = Path(place) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return str(path)


def get(s3, place: str, name: str) -> bytes | None:
    """Return a file's bytes, or None where it is not there."""
    if not place.startswith("s3://"):
        path = Path(place) / name
        return path.read_bytes() if path.is_file() else None
    return storage.read(s3, *storage.split_uri(f"{place.rstrip('/')}/{name}"))
