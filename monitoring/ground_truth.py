"""Ground truth: the true class of captured images, as Model Monitor's users keep it.

JSON lines such as `{"groundTruthData": {"data": "bicycle", "encoding": "CSV"}, "eventMetadata":
{"eventId": "..."}, "eventVersion": "0"}`, where eventId is the image's id in the table: its
inference id, or its event id where it was sent without one
(docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-merge.html).
"""

import json
from dataclasses import dataclass, field

from monitoring.captures import Unreadable
from monitoring.sources import Bucket, Folder, read_lines, source_of
from monitoring.span import Span
from service.terminal import UserError


@dataclass(frozen=True)
class GroundTruth:
    """The true class by image id, and the lines that hold none. The last label given holds."""

    labels: dict[str, str] = field(default_factory=dict)
    unreadable: list[Unreadable] = field(default_factory=list)


def read(source: str | Bucket | Folder) -> GroundTruth:
    """Read a file or an object, or all of those in a folder or below an S3 prefix, gzip'd or not.

    Raises UserError where nothing is there.
    """
    if isinstance(source, str):
        source = source_of(source)
    files = source.files(Span())
    if not files:
        raise UserError(f"There is no ground truth at {source}.")
    open_file = source.opener()
    result = GroundTruth()
    for file in files:
        try:
            with open_file(file.name) as stream:
                for number, line, fault in read_lines(stream):
                    _take(result, file.name, number, line, fault)
        except OSError as error:
            reason = error.strerror or str(error)
            result.unreadable.append(Unreadable(file.name, 0, reason))
    return result


def _take(result: GroundTruth, file: str, number: int, line: bytes, fault: str) -> None:
    try:
        if fault:
            raise ValueError(fault)
        image_id, label = parse(line)
    except ValueError as error:
        result.unreadable.append(Unreadable(file, number, str(error)))
    else:
        result.labels[image_id] = label


def parse(line: bytes) -> tuple[str, str]:
    """Return the image id and the label of one line. ValueError says what is wrong with it."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON") from None
    data = _member(record, "groundTruthData")
    label, encoding = _member(data, "data"), _member(data, "encoding")
    image_id = _member(_member(record, "eventMetadata"), "eventId")
    if not isinstance(image_id, str) or not image_id:
        raise ValueError("it has no eventMetadata.eventId")
    if encoding != "CSV":
        raise ValueError(f"groundTruthData.encoding is {encoding!r}, not 'CSV'")
    if not isinstance(label, str) or not label.strip():
        raise ValueError("groundTruthData.data is no label")
    label = label.strip()
    if "," in label or "\n" in label:
        raise ValueError("groundTruthData.data holds more than one value")
    return image_id, label


def _member(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None
