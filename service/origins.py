"""Where a model came from that was copied out of another stage: origin.json beside it."""

import dataclasses
import json
from dataclasses import dataclass

from service import storage

NAME = "origin.json"


@dataclass(frozen=True)
class Origin:
    """The stage, the model's S3 URI there, and the SHA-256 of its archive.

    training_job: the name of the job that made it; dataset: the name of this stage's dataset that
    holds its validation photos. Each is None where it is not known.
    """

    stage: str
    model: str
    sha256: str
    training_job: str | None
    dataset: str | None

    def __str__(self):
        job = f", which {self.training_job} trained" if self.training_job else ""
        return f"stage {self.stage}: {self.model}{job}"


def write(s3, bucket: str, model_key: str, origin: Origin) -> None:
    """Record the origin of a model."""
    body = json.dumps(dataclasses.asdict(origin), indent=2) + "\n"
    key = _key_beside(model_key)
    s3.put_object(Bucket=bucket, Key=key, Body=body.encode(), ContentType="application/json")


def read(s3, model: str) -> Origin | None:
    """Return the origin of the model at an S3 URI; None if this stage trained it itself."""
    bucket, key = storage.split_uri(model)
    body = storage.read(s3, bucket, _key_beside(key))
    return Origin(**json.loads(body)) if body else None


def _key_beside(model_key: str) -> str:
    return f"{model_key.rpartition('/')[0]}/{NAME}"
