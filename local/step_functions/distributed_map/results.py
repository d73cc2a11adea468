"""ResultWriter: outputs of children and executions that failed, as JSON Lines in S3.

`SUCCEEDED_0.jsonl` holds the children's outputs, a list as one line an element (FLATTEN).
`FAILED_0.jsonl` and `PENDING_0.jsonl` hold the executions that failed, timed out or were aborted,
and those that never started, each with its input. A file without lines is not written. (AWS starts
another file, `_1`, after 5 GB.) `manifest.json` names the files.
"""

import json
from collections.abc import Iterable

from ministack.services import s3
from ministack.services import stepfunctions as sfn

from local.step_functions.executions import authorize

FAILED = "States.ResultWriterFailed"
# PutObject is not enough: Step Functions writes in parts, and looks at what it wrote.
ACTIONS = (
    "s3:PutObject",
    "s3:GetObject",
    "s3:ListMultipartUploadParts",
    "s3:AbortMultipartUpload",
)


class Results:
    """Lines of children in the order in which they ended."""

    def __init__(self):
        self._lines: dict[str, list[bytes]] = {"FAILED": [], "PENDING": [], "SUCCEEDED": []}

    def succeeded(self, output: object) -> None:
        """Keep the output of a child that succeeded."""
        values = output if isinstance(output, list) else [output]
        self._lines["SUCCEEDED"].extend(map(_line, values))

    def failed(self, execution: dict, text: str) -> None:
        """Keep an execution that started and did not succeed, and its input as JSON."""
        row = {
            "ExecutionArn": execution["executionArn"],
            "Input": text,
            "InputDetails": {"Included": True},
            "Name": execution["name"],
            "OutputDetails": {"Included": True},
            "StartDate": execution["startDate"],
            "StateMachineArn": execution["stateMachineArn"],
            "Status": execution["status"],
            "StopDate": execution["stopDate"],
        }
        row |= {name.title(): execution[name] for name in ("error", "cause") if name in execution}
        self._lines["FAILED"].append(_line(row))

    def pending(self, text: str) -> None:
        """Keep the input of a child that never started."""
        self._lines["PENDING"].append(
            _line({"Input": text, "InputDetails": {"Included": True}, "Status": "PENDING"})
        )

    def write(self, bucket: str, prefix: str, map_run_arn: str) -> dict:
        """Write the files below `<prefix>/<id of the map run>/`; the state's result.

        Raises States.ResultWriterFailed where the role or S3 refuses.
        """
        folder = "/".join(filter(None, (prefix, map_run_arn.rsplit(":", 1)[1])))
        files: dict[str, list[dict]] = {}
        for status, lines in self._lines.items():
            files[status] = []
            if lines:
                key = f"{folder}/{status}_0.jsonl"
                files[status].append({"Key": key, "Size": _put(bucket, key, lines)})
        manifest = {"DestinationBucket": bucket, "MapRunArn": map_run_arn, "ResultFiles": files}
        key = f"{folder}/manifest.json"
        _put(bucket, key, [json.dumps(manifest).encode()])
        return {"MapRunArn": map_run_arn, "ResultWriterDetails": {"Bucket": bucket, "Key": key}}


def _line(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _put(bucket: str, key: str, lines: Iterable[bytes]) -> int:
    for action in ACTIONS:
        authorize(action, f"arn:aws:s3:::{bucket}/{key}", FAILED)
    body = b"\n".join(lines)
    status, _, answer = s3._put_object(bucket, key, body, {"content-type": "application/json"})
    if status >= 300:
        raise sfn._ExecutionError(FAILED, answer.decode("utf-8", "replace"))
    return len(body)
