"""What exists: models, endpoint configurations, endpoints and training jobs, by account and region.

AWS keeps each account's resources apart by region, refers to them by ARN and lists them by page.
They live in memory: the local cloud starts empty, like the S3 that the models lie in.
"""

import base64
import binascii
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from local.sagemaker.errors import validation_exception

SCALABLE_TARGET = "scalable-target"  # a table of the store that two services look into


@dataclass(frozen=True)
class Scope:
    """The account and region that a request is for."""

    account: str
    region: str

    def arn(self, kind: str, name: str) -> str:
        """ARN of a resource, such as kind `training-job`. SageMaker writes names in lower case."""
        return f"arn:aws:sagemaker:{self.region}:{self.account}:{kind}/{name.lower()}"


@dataclass
class Record:
    """A resource that is created, described and deleted, and does nothing itself."""

    name: str
    arn: str
    request: dict[str, Any]
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
    summaries: list[dict[str, Any]],
    request: dict[str, Any],
    *,
    name: str,
    status: str | None = None,
    order: str,
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """One page of a List operation: filtered, sorted; and `{"NextToken": ...}` if more follow.

    `name` and `status` are the members of a summary that hold them, `order` the default order.
    """
    kept = [summary for summary in summaries if _wanted(summary, request, name, status)]
    sort_keys: dict[str, Callable] = {
        "Name": lambda summary: summary[name],
        "CreationTime": lambda summary: summary["CreationTime"],
        "Status": lambda summary: summary[status],
    }
    kept.sort(
        key=sort_keys[request.get("SortBy", "CreationTime")],
        reverse=request.get("SortOrder", order) == "Descending",
    )
    start = _read_token(request.get("NextToken"))
    end = start + request.get("MaxResults", 10)
    more = {"NextToken": _token(end)} if end < len(kept) else {}
    return kept[start:end], more


def _wanted(summary: dict, request: dict, name: str, status: str | None) -> bool:
    if request.get("NameContains", "").lower() not in summary[name].lower():
        return False
    if status and request.get("StatusEquals") not in (None, summary[status]):
        return False
    for member in ("CreationTime", "LastModifiedTime"):
        if summary.get(member, 0) < request.get(f"{member}After", 0):
            return False
        if summary.get(member, 0) > request.get(f"{member}Before", float("inf")):
            return False
    return True


def _token(position: int) -> str:
    return base64.b64encode(str(position).encode()).decode()


def _read_token(token: str | None) -> int:
    if token is None:
        return 0
    try:
        return int(base64.b64decode(token, validate=True))
    except (binascii.Error, ValueError):
        raise validation_exception("Invalid pagination token.") from None
