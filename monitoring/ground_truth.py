"""Ground truth: the true class of captured images, as Model Monitor's users keep it.

JSON lines such as `{"groundTruthData": {"data": "bicycle", "encoding": "CSV"}, "eventMetadata":
{"eventId": "..."}, "eventVersion": "0"}`, where eventId is the image's id in the table: its
inference id, or its event id where it was sent without one
(docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-merge.html).
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from monitoring.captures import Unreadable
from monitoring.files import ANY_TIME, connect, list_files, open_file, read_lines
from service.terminal import UserError


@dataclass(frozen=True)
class GroundTruth:
    """The true class by image id, and the lines that hold none.

    relabelled: the ids of which two lines give different classes; the last one holds.
    """

    labels: dict[str, str] = field(default_factory=dict)
    unreadable: list[Unreadable] = field(default_factory=list)
    relabelled: list[str] = field(default_factory=list)


def read(source: str, connect: Callable[[str], Any] = connect) -> GroundTruth:
    """Read a file or an object, or all of those in a folder or below an S3 prefix, gzip'd or not.

    connect: makes the S3 client that reads the source. Raises UserError where nothing is there.
    """
    s3 = connect(source)
    files = list_files(source, ANY_TIME, s3)
    if not files:
        raise UserError(f"There is no ground truth at {source}.")
    truth, relabelled = GroundTruth(), {}
    for file in files:
        try:
            with open_file(file.name, s3) as stream:
                for number, line, fault in read_lines(stream):
                    try:
                        if fault:
                            raise ValueError(fault)
                        image_id, label = parse(line)
                    except ValueError as error:
                        truth.unreadable.append(Unreadable(file.name, number, str(error)))
                        continue
                    if truth.labels.setdefault(image_id, label) != label:
                        relabelled[image_id] = None
                    truth.labels[image_id] = label
        except OSError as error:
            reason = error.strerror or str(error)
            truth.unreadable.append(Unreadable(file.name, 0, reason))
    truth.relabelled.extend(relabelled)
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
    if encoding != "CSV":
        raise ValueError(f"groundTruthData.encoding is {encoding!r}, not 'CSV'")
    if not isinstance(label, str) or not label.strip():
        raise ValueError("groundTruthData.data is no label")
    label = label.strip()
    if "," in label or "\n" in label:
        raise ValueError("groundTruthData.data holds more than one value")
    return image_id, label
