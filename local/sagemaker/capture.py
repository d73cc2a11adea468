"""Data Capture: an endpoint's requests and answers, as JSON lines in S3.

AWS's endpoint gathers records and writes them as files by endpoint, variant and hour; monitoring
reads them. Records that cannot be written are named in the endpoint's log, with the reason.
"""

import base64
import json
import logging
import random
import time
import uuid
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.sagemaker import storage
from local.sagemaker.logs import LogStream, Writer, endpoint_group
from local.sagemaker.roles import ExecutionRole

_logger = logging.getLogger(__name__)


class DataCapture(Writer):
    """The captured records of one deployment of an endpoint; `config` is its DataCaptureConfig."""

    def __init__(self, endpoint: str, variant: str, role: ExecutionRole, config: dict[str, Any]):
        self._endpoint = endpoint
        self._variant = variant
        self._role = role
        self._bucket, self._prefix = storage.split(config["DestinationS3Uri"])
        self._percentage = config["InitialSamplingPercentage"]
        self._modes = {option["CaptureMode"] for option in config["CaptureOptions"]}
        types = (config.get("CaptureContentTypeHeader") or {}).get("JsonContentTypes") or []
        self._json_types = [each.lower() for each in types]
        super().__init__(seconds=1)

    def add(
        self, request: tuple[str, bytes], answer: tuple[str, bytes], inference_id: str | None
    ) -> None:
        """Record an invocation if it belongs to the sample; written within about a second.

        `request` and `answer` are a content type and a body each.
        """
        if random.random() * 100 >= self._percentage:  # noqa: S311 - a sample, no secret
            return
        now = datetime.now(UTC)
        captured = {}
        if self._modes & {"Input", "InputAndOutput"}:
            captured["endpointInput"] = self._side("INPUT", *request)
        if self._modes & {"Output", "InputAndOutput"}:
            captured["endpointOutput"] = self._side("OUTPUT", *answer)
        record = {
            "captureData": captured,
            "eventMetadata": {
                "eventId": str(uuid.uuid4()),
                **({"inferenceId": inference_id} if inference_id else {}),
                "inferenceTime": f"{now:%Y-%m-%dT%H:%M:%SZ}",
            },
            "eventVersion": "0",
        }
        self._added.append((now, json.dumps(record, separators=(",", ":"))))

    def _side(self, mode: str, content_type: str, body: bytes) -> dict[str, str]:
        as_json = content_type.split(";")[0].strip().lower() in self._json_types
        return {
            "observedContentType": content_type,
            "mode": mode,
            "data": body.decode(errors="replace") if as_json else base64.b64encode(body).decode(),
            "encoding": "JSON" if as_json else "BASE64",
        }

    def _write(self, added: list[tuple[datetime, str]]) -> None:
        by_hour = defaultdict(list)
        for moment, line in added:
            by_hour[f"{moment:%Y/%m/%d/%H}"].append((moment, line))
        for hour, lines in by_hour.items():
            first = lines[0][0]
            name = f"{first:%M-%S}-{first.microsecond // 1000:03d}-{uuid.uuid4()}.jsonl"
            path = f"{self._endpoint}/{self._variant}/{hour}/{name}"
            key = f"{self._prefix.rstrip('/')}/{path}".lstrip("/")
            body = "".join(f"{line}\n" for _, line in lines).encode()
            try:
                self._role.client("s3").put_object(
                    Bucket=self._bucket, Key=key, Body=body, ContentType="application/jsonlines"
                )
            except (BotoCoreError, ClientError) as error:
                lost = f"{len(lines)} captured records not written to s3://{self._bucket}/{key}"
                _logger.warning("%s: %s", lost, error)
                stream = f"{self._variant}/data-log-{int(time.time())}"
                log = LogStream(self._role, endpoint_group(self._endpoint), stream)
                log.write(f"Data capture: {lost}: {error}")
                log.close()
