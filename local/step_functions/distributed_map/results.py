"""ResultWriter: outputs of children and executions that failed, as JSON Lines in S3.

`SUCCEEDED_0.jsonl` holds the children's outputs, a list as one line an element (FLATTEN).
`FAILED_0.jsonl` and `PENDING_0.jsonl` hold the executions that failed, timed out or were aborted,
and those that never started. A file without lines is not written. (AWS starts another file, `_1`,
after 5 GB.) `manifest.json` names the files.
"""

import json

from ministack.services import s3
from ministack.services import stepfunctions as sfn

from local.step_functions.executions import authorize, compact

FAILED = "States.ResultWriterFailed"
# PutObject is not enough: Step Functions writes in parts, and looks at what it wrote.
ACTIONS = (
    "s3:PutObject",
    "s3:GetObject",
    "s3:ListMultipartUploadParts",
    "s3:AbortMultipartUpload",
)


def failed_line(execution: dict, text: str) -> str:
    """The line of an execution that started and did not succeed; its input as JSON."""
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
    details = {name.title(): execution[name] for name in ("error", "cause") if name in execution}
    return compact(row | details)


def pending_line(text: str) -> str:
    """The line of a child that never started; its input as JSON."""
    return compact({"Input": text, "InputDetails": {"Included": True}, "Status": "PENDING"})


def write(lines: dict[str, list[str]], bucket: str, prefix: str, map_run_arn: str) -> dict:
    """Write lines by status below `<prefix>/<id of the map run>/`; the state's result.

    Raises States.ResultWriterFailed where the role or S3 refuses.
    """
    folder = "/".join(filter(None, (prefix, map_run_arn.rsplit(":", 1)[1])))
    files: dict[str, list[dict]] = {"FAILED": [], "PENDING": [], "SUCCEEDED": []}
    for status in filter(lines.get, files):
        key = f"{folder}/{status}_0.jsonl"
        files[status].append({"Key": key, "Size": _put(bucket, key, "\n".join(lines[status]))})
    manifest = {"DestinationBucket": bucket, "MapRunArn": map_run_arn, "ResultFiles": files}
    key = f"{folder}/manifest.json"
    _put(bucket, key, json.dumps(manifest))
    return {"MapRunArn": map_run_arn, "ResultWriterDetails": {"Bucket": bucket, "Key": key}}


def _put(bucket: str, key: str, text: str) -> int:
    for action in ACTIONS:
        authorize(action, f"arn:aws:s3:::{bucket}/{key}", FAILED)
    body = text.encode()
    status, _, answer = s3._put_object(bucket, key, body, {"content-type": "application/json"})
    if status >= 300:
        raise sfn._ExecutionError(FAILED, answer.decode("utf-8", "replace"))
    return len(body)
