"""Ground truth: the true class of captured photos, in Model Monitor's form.

JSON lines such as `{"groundTruthData": {"data": "bicycle", "encoding": "CSV"}, "eventMetadata":
{"eventId": "..."}, "eventVersion": "0"}`, where eventId is the photo's id in the table: its
inference id, or its event id where it was sent without one
(docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-merge.html).
"""

import json
from dataclasses import dataclass, field

from monitoring.files import ANY_TIME, Unreadable, connect, list_files, read_records
from service.terminal import UserError


@dataclass(frozen=True)
class GroundTruth:
    """The true class by image id, and the lines that hold none.

    relabelled: the ids of which two lines give different classes; the last one holds.
    """

    labels: dict[str, str] = field(default_factory=dict)
    unreadable: list[Unreadable] = field(default_factory=list)
    relabelled: set[str] = field(default_factory=set)


def read(source: str, s3=None) -> GroundTruth:
    """Read a file or an object, or all of those in a folder or below an S3 prefix, gzip'd or not.

    s3: the client that reads the source (default: one for where the environment points to). Raises
    UserError where nothing is there.
    """
    s3 = s3 or connect(source)
    files = list_files(source, ANY_TIME, s3)
    if not files:
        raise UserError(f"There is no ground truth at {source}.")
    truth = GroundTruth()
    for file in files:
        for _, (image_id, label) in read_records(file, s3, parse, truth.unreadable):
            if truth.labels.get(image_id, label) != label:
                truth.relabelled.add(image_id)
            truth.labels[image_id] = label
    return truth


def parse(line: bytes) -> tuple[str, str]:
    """Return the image id and the label of one line. ValueError says what is wrong with it."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON") from None
    try:
        image_id, truth = record["eventMetadata"]["eventId"], record["groundTruthData"]
        label, encoding = truth["data"], truth["encoding"]
    except (KeyError, TypeError) as error:
        raise ValueError(f"it has no eventMetadata.eventId or groundTruthData: {error}") from None
    if not isinstance(image_id, str) or not image_id:
        raise ValueError("eventMetadata.eventId is no id")
    label = label.strip() if isinstance(label, str) else ""
    if encoding != "CSV" or not label or "," in label or "\n" in label:
        raise ValueError("groundTruthData is not one label, encoded as CSV")
    return image_id, label
