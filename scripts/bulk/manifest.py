"""The manifest of a run, a line for each photo: read or listed, and written into the bucket."""

import hashlib
import json
import mimetypes
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from handlers import batches
from handlers.errors import InvalidInput
from service import photos, storage
from service.keys import MANIFESTS, PHOTOS
from service.photos import Place, S3Place
from service.terminal import FirstFew, UserError, one_line, track

SUFFIX = ".jsonl"
FIELDS = {"s3_bucket", "s3_key", "listed"}
IGNORED = {"image_data", "inferences"}  # fields of the course's batches, which `classify` takes
KEY_BYTES = 1024  # S3 has no longer keys, and the state machine reckons with that.
DIGEST_LENGTH = 32
WRONG_LINES_SHOWN = 10


class Entry(NamedTuple):
    """A photo; an empty bucket is the service's own."""

    s3_bucket: str
    s3_key: str
    listed: int = 1

    def to_line(self) -> bytes:
        """Return the manifest's line of JSON, in UTF-8."""
        fields: dict[str, Any] = {"s3_key": self.s3_key}
        if self.s3_bucket:
            fields["s3_bucket"] = self.s3_bucket
        if self.listed > 1:
            fields["listed"] = self.listed
        return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


class Manifest(NamedTuple):
    """A manifest in the bucket. submitted: photos, as often as listed; sent: whether it is new."""

    key: str
    lines: int
    submitted: int
    sent: bool


def list_entries(s3, own_bucket: str, source: str) -> Iterator[Entry]:
    """Yield a manifest's or a place's photos; upload a folder's. UserError for anything else."""
    place = photos.locate(s3, source)
    if photos.is_single(place):
        if source.endswith(SUFFIX):
            return _read_manifest(s3, own_bucket, place)
        if reason := photos.why_no_photo(s3, place):
            raise UserError(
                f"{source} is neither a photo ({reason}) nor a manifest{SUFFIX}, a folder or a "
                "prefix."
            )
    files = photos.find_photos(s3, place)
    if isinstance(place, Path):
        return _upload(s3, own_bucket, place if place.is_dir() else place.parent, files)
    bucket = "" if place.bucket == own_bucket else place.bucket
    return (Entry(bucket, photo.key) for photo in files)


def _upload(s3, bucket: str, folder: Path, files: Iterable[Path]) -> Iterator[Entry]:
    """Upload a folder's photos unless they are there. UserError at the end names those refused."""

    def put(path: Path) -> Entry | UserError:
        try:
            key = _make_key(folder, path)
            if not storage.object_exists(s3, bucket, key):
                content_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
                with path.open("rb") as file:
                    s3.put_object(Bucket=bucket, Key=key, Body=file, ContentType=content_type)
        except OSError as error:
            return UserError(f"{path} cannot be read ({error.strerror})")
        except UserError as error:
            return error
        return Entry("", key)

    refused = FirstFew(separator="; ")
    for entry in storage.map_ahead(put, files):
        if isinstance(entry, UserError):
            refused.add(str(entry))
        else:
            yield entry
    if refused.count:
        raise UserError(f"{refused.count:,} photos cannot be uploaded: {refused}.")


def _make_key(folder: Path, path: Path) -> str:
    """Return `bulk/photos/<digest of the content>/<path within the folder>`.

    So a photo that changes gets another key, and the results show each file's path. Raises
    UserError for a path that cannot be a key in S3.
    """
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()[:DIGEST_LENGTH]
    key = f"{PHOTOS}{digest}/{path.relative_to(folder).as_posix()}"
    try:
        if len(key.encode()) <= KEY_BYTES:
            return key
    except UnicodeEncodeError:
        raise UserError(f"the name of {path} is not UTF-8, rename it") from None
    raise UserError(f"the path {path} is too long for a key in S3, shorten it")


def _read_manifest(s3, own_bucket: str, place: Place) -> Iterator[Entry]:
    """Yield the entries of a manifest. Raises UserError that names the lines that are wrong."""
    lines = (
        storage.read_object_lines(s3, *place)
        if isinstance(place, S3Place)
        else storage.read_file_lines(place)
    )
    wrong, number = FirstFew(most=WRONG_LINES_SHOWN, separator="; "), 0
    for number, line in enumerate(lines, 1):
        if number == 1:
            encoding = json.detect_encoding(line[:4])
            if not encoding.startswith("utf-8"):
                raise UserError(f"{place} is {encoding.upper()}: save it as UTF-8.")
            line = line.removeprefix(b"\xef\xbb\xbf")
        if line.strip():
            try:
                yield parse_entry(line, own_bucket)
            except UserError as error:
                wrong.add(f"line {number}: {one_line(str(error), 80)}")
    if wrong.count:
        raise UserError(f"{place}: {wrong.count:,} of {number:,} lines are wrong. {wrong}.")


def parse_entry(line: bytes, own_bucket: str) -> Entry:
    """Return the entry in a line of a manifest. Raises UserError that says why there is none."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise UserError("it is not JSON") from None
    if isinstance(value, dict):
        unknown = sorted(value.keys() - FIELDS - IGNORED)
        if unknown:
            raise UserError(f"it may have {', '.join(sorted(FIELDS))}, but not {unknown[0]!r}")
    try:
        entry = Entry(**batches.location(value, own_bucket))
    except InvalidInput as error:
        raise UserError(str(error)) from None
    if len(entry.s3_key.encode()) > KEY_BYTES:
        raise UserError("its key is longer than S3 allows")
    return entry._replace(s3_bucket="") if entry.s3_bucket == own_bucket else entry


def _merge_duplicates(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Yield each photo once, with how often it was listed. All are held in memory."""
    listed: Counter[tuple[str, str]] = Counter()
    for entry in entries:
        listed[entry.s3_bucket, entry.s3_key] += entry.listed
    return (Entry(*place, times) for place, times in listed.items())


def publish(s3, bucket: str, entries: Iterable[Entry], keep_duplicates: bool = False) -> Manifest:
    """Write the photos' manifest into the bucket, each photo once unless duplicates are kept.

    Its key is its content's digest, so that the same photos have one manifest.
    """
    entries = track(entries, "List", unit="photos")
    digest, lines, submitted = hashlib.sha256(), 0, 0
    with tempfile.TemporaryFile() as file:
        for entry in entries if keep_duplicates else _merge_duplicates(entries):
            line = entry.to_line()
            digest.update(line)
            file.write(line)
            lines += 1
            submitted += entry.listed
        key = f"{MANIFESTS}{digest.hexdigest()}{SUFFIX}"
        sent = lines > 0 and not storage.object_exists(s3, bucket, key)
        if sent:
            file.seek(0)
            s3.upload_fileobj(file, bucket, key, ExtraArgs={"ContentType": "application/jsonl"})
    return Manifest(key, lines, submitted, sent)
