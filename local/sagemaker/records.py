"""What exists: models, endpoint configurations, endpoints, training jobs and scalable targets.

AWS keeps each account's resources apart by region, refers to them by ARN and lists them by page.
MiniStack's dictionaries hold those of the request's account and region. They live in memory: the
local cloud starts empty, like the S3 that the models lie in.
"""

import threading
import time
from typing import Any

from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region

from local.sagemaker.errors import validation_exception
from local.sagemaker.operations import Request

LISTED = "MaxResults NameContains NextToken SortBy SortOrder"
_TITLES = {"model": "model", "endpoint-config": "endpoint configuration", "endpoint": "endpoint"}

# Records of each kind by name. Hold the lock while one decision needs several of them.
tables: dict[str, Any] = {
    kind: AccountRegionScopedDict() for kind in (*_TITLES, "training-job", "scalable-target")
}
lock = threading.RLock()


class Record:
    """A resource that is created, described and deleted, and does nothing itself."""

    def __init__(self, kind: str, name: str, request: Request):
        self.name = name
        self.arn = arn(kind, name)
        self.request = request
        self.created = time.time()


def arn(kind: str, name: str, service: str = "sagemaker") -> str:
    """ARN of a resource, such as kind `training-job`. SageMaker writes names in lower case."""
    return f"arn:aws:{service}:{get_region()}:{get_account_id()}:{kind}/{name.lower()}"


def find(kind: str, name: str) -> Any:
    """The record of that name; raises ValidationException where there is none."""
    if name not in tables[kind]:
        raise validation_exception(f'Could not find {_TITLES[kind]} "{arn(kind, name)}".')
    return tables[kind][name]


def check_new(kind: str, name: str) -> None:
    """Raise ValidationException where there is a record of that name."""
    if known := tables[kind].get(name):
        raise validation_exception(f'Cannot create already existing {_TITLES[kind]} "{known.arn}".')


def page(
    summaries: list[Request],
    request: Request,
    name: str,
    status: str = "",
    order: str = "Descending",
) -> tuple[list[Request], dict[str, str]]:
    """One page of a List operation: filtered, sorted; and `{"NextToken": ...}` if more follow.

    `name` and `status` are the members of a summary that hold them, `order` the default order.
    """
    part, only = request.get("NameContains", "").lower(), request.get("StatusEquals")
    matching = [
        summary
        for summary in summaries
        if part in summary[name].lower() and (not only or summary[status] == only)
    ]
    members = {"Name": name, "CreationTime": "CreationTime", "Status": status}
    matching.sort(
        key=lambda summary: summary[members[request.get("SortBy", "CreationTime")]],
        reverse=request.get("SortOrder", order) == "Descending",
    )
    token = request.get("NextToken", "0")
    if not token.isdecimal():
        raise validation_exception("Invalid pagination token.")
    end = int(token) + request.get("MaxResults", 10)
    return matching[int(token) : end], {"NextToken": str(end)} if end < len(matching) else {}
