"""What exists: models, endpoint configurations, endpoints and training jobs, by account and region.

AWS keeps each account's resources apart by region, refers to them by ARN and lists them by page.
They live in memory: the local cloud starts empty, like the S3 that the models lie in.
"""

import base64
import binascii
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from local.sagemaker.errors import validation_exception

SCALABLE_TARGET = "scalable-target"  # a table of the store that two services look into
LISTED = "MaxResults NameContains NextToken SortBy SortOrder"

Request = dict[str, Any]


@dataclass(frozen=True)
class Scope:
    """The account and region that a request is for."""

    account: str
    region: str

    def arn(self, kind: str, name: str, service: str = "sagemaker") -> str:
        """ARN of a resource, such as kind `training-job`. SageMaker writes names in lower case."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{kind}/{name.lower()}"


@dataclass(frozen=True)
class Caller:
    """The access key that signed, and the account and region it is for."""

    access_key_id: str
    scope: Scope


@dataclass
class Record:
    """A resource that is created, described and deleted, and does nothing itself."""

    name: str
    arn: str
    request: Request
    created: float = field(default_factory=time.time)


class Store:
    """All records. Hold `lock` while one decision needs several of them."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._tables: dict[tuple[Scope, str], dict[str, Any]] = {}

    def table(self, scope: Scope, kind: str) -> dict[str, Any]:
        """The records of a kind (`model`, `endpoint`, ...) by name, to be read and changed.

        Never waits for the lock: InvokeEndpoint looks its endpoint up on the event loop.
        """
        return self._tables.setdefault((scope, kind), {})

    def all(self, scope: Scope, kind: str) -> list[Any]:
        """The records of a kind, as they are at this moment."""
        return list(self.table(scope, kind).values())


def page(
    summaries: list[Request],
    request: Request,
    *,
    name: str,
    status: str | None = None,
    order: str = "Descending",
) -> tuple[list[Request], dict[str, str]]:
    """One page of a List operation: filtered, sorted; and `{"NextToken": ...}` if more follow.

    `name` and `status` are the members of a summary that hold them, `order` the default order.
    """
    part, wanted = request.get("NameContains", "").lower(), request.get("StatusEquals")
    kept = [
        summary
        for summary in summaries
        if part in summary[name].lower() and (not wanted or summary[status] == wanted)
    ]
    members = {"Name": name, "CreationTime": "CreationTime", "Status": status}
    kept.sort(
        key=lambda summary: summary[members[request.get("SortBy", "CreationTime")]],
        reverse=request.get("SortOrder", order) == "Descending",
    )
    start = _read_token(request.get("NextToken"))
    end = start + request.get("MaxResults", 10)
    more = base64.b64encode(str(end).encode()).decode()
    return kept[start:end], {"NextToken": more} if end < len(kept) else {}


def _read_token(token: str | None) -> int:
    if token is None:
        return 0
    try:
        return int(base64.b64decode(token, validate=True))
    except (binascii.Error, ValueError):
        raise validation_exception("Invalid pagination token.") from None
