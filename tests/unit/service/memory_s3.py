"""S3 in memory: the calls that the scripts make, and a record of what was sent."""

import hashlib
import io
from datetime import UTC, datetime, timedelta

from tests.unit.refusals import refusal


class MemoryS3:
    def __init__(self):
        self.objects: dict[str, bytes] = {}
        self.modified: dict[str, datetime] = {}
        self.changes: list[str] = []
        self.fails_at: str | None = None

    def put_object(self, Bucket, Key, Body, ContentType):  # noqa: N803
        if self.fails_at and self.fails_at in Key:
            raise refusal("SlowDown")
        self.changes.append(f"put {Key}")
        self.objects[Key] = Body if isinstance(Body, bytes) else Body.read()
        self.modified[Key] = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(len(self.changes))

    def get_object(self, Bucket, Key, Range="bytes=0-"):  # noqa: N803
        if Key not in self.objects:
            raise refusal("NoSuchKey", Key, 404)
        body, last = self.objects[Key], Range.removeprefix("bytes=0-")
        if last and not body:
            raise refusal("InvalidRange", Key, 416)
        return {"Body": io.BytesIO(body[: int(last) + 1] if last else body)}

    def head_object(self, Bucket, Key):  # noqa: N803
        if Key not in self.objects:
            raise refusal("404", "Not Found", 404)
        return {"LastModified": self.modified[Key]}

    def upload_fileobj(self, file, bucket, key, ExtraArgs=None):  # noqa: N803
        self.put_object(bucket, key, file, **(ExtraArgs or {"ContentType": ""}))

    def download_fileobj(self, bucket, key, file):
        self.head_object(bucket, key)
        file.write(self.objects[key])

    def copy_object(self, Bucket, Key, CopySource):  # noqa: N803
        self.put_object(Bucket, Key, self.objects[CopySource["Key"]], "")

    def delete_object(self, Bucket, Key):  # noqa: N803
        self.changes.append(f"delete {Key}")
        del self.objects[Key]

    def delete_objects(self, Bucket, Delete):  # noqa: N803
        for item in Delete["Objects"]:
            self.delete_object(Bucket, item["Key"])

    def list_objects_v2(self, Bucket, Prefix="", Delimiter=None, MaxKeys=1000):  # noqa: N803
        contents, folders = [], {}
        for key in sorted(key for key in self.objects if key.startswith(Prefix)):
            folder, in_folder, _ = key.removeprefix(Prefix).partition(Delimiter or "\n")
            if Delimiter and in_folder:
                folders[Prefix + folder + Delimiter] = None
                continue
            body = self.objects[key]
            etag, modified = f'"{hashlib.md5(body).hexdigest()}"', self.modified[key]
            contents.append({"Key": key, "Size": len(body), "ETag": etag, "LastModified": modified})
        prefixes = [{"Prefix": folder} for folder in folders]
        found = {"Contents": contents[:MaxKeys], "CommonPrefixes": prefixes}
        return {field: items for field, items in found.items() if items}

    def get_paginator(self, operation):
        assert operation == "list_objects_v2"
        return self

    def paginate(self, **request):
        yield self.list_objects_v2(**request)
