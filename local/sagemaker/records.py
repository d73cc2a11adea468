"""What exists: models, endpoint configurations, endpoints, training jobs and scalable targets.

AWS keeps each account's resources apart by region, refers to them by ARN and lists them by page.
MiniStack's dictionaries hold those of the request's account and region. They live in memory: the
local cloud starts empty, like the S3 that the models lie in.
"""

import threading
import time
from typing import Any

from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region

from local.sagemaker.requests import Operations, Request, invalid

# The API's name for each kind of record.
_TITLES = {
    "model": "Model",
    "endpoint-config": "EndpointConfig",
    "endpoint": "Endpoint",
    "training-job": "TrainingJob",
}
# Members of requests that name resources, by kind.
NAMES = {kind: f"{title}Name" for kind, title in _TITLES.items()}

# Records of each kind by name. Hold the lock while one decision needs several of them.
tables: dict[str, Any] = {kind: AccountRegionScopedDict() for kind in (*_TITLES, "scalable-target")}
lock = threading.RLock()


class Record:
    """A resource, by the request that created it."""

    def __init__(self, kind: str, request: Request):
        self.kind = kind
        self.request = request
        self.name: str = request[NAMES[kind]]
        self.arn = arn(kind, self.name)
        self.created = time.time()

    def describe(self) -> Request:
        """The answer of its Describe operation."""
        return {name: each for name, each in self.request.items() if name != "Tags"} | {
            f"{_TITLES[self.kind]}Arn": self.arn,
            "CreationTime": self.created,
        }

    def summary(self) -> Request:
        """Its entry in the answer of its List operation."""
        title = _TITLES[self.kind]
        members = (
            *("Name", "Arn", "Status"),
            *("CreationTime", "LastModifiedTime", "TrainingEndTime", "SecondaryStatus"),
        )
        described = self.describe()
        names = [each if each in described else f"{title}{each}" for each in members]
        return {name: described[name] for name in names if name in described}


def arn(kind: str, name: str, service: str = "sagemaker") -> str:
    """ARN of a resource, such as kind `training-job`. SageMaker writes names in lower case."""
    return f"arn:aws:{service}:{get_region()}:{get_account_id()}:{kind}/{name.lower()}"


def keep(record: Any) -> str:
    """Keep a new record; its ARN."""
    with lock:
        check_new(record.kind, record.name)
        tables[record.kind][record.name] = record
    return record.arn


def find(kind: str, name: str) -> Any:
    """The record of that name; raises ValidationException where there is none."""
    if name in tables[kind]:
        return tables[kind][name]
    if kind == "training-job":
        raise invalid("Requested resource not found.")
    raise invalid(f'Could not find {_words(kind)} "{arn(kind, name)}".')


def check_new(kind: str, name: str) -> None:
    """Raise ValidationException where there is a record of that name."""
    if known := tables[kind].get(name):
        raise invalid(f'Cannot create already existing {_words(kind)} "{known.arn}".')


def _words(kind: str) -> str:
    return kind.replace("-config", " configuration")


def add_operations(operations: Operations, kind: str, order: str = "Descending") -> None:
    """Add Describe and List, whose order is `order` unless the request says another."""
    title = _TITLES[kind]
    listed = "TrainingJobSummaries" if kind == "training-job" else f"{title}s"

    @operations.add(NAMES[kind], f"Describe{title}")
    def describe(request: Request) -> Request:
        return find(kind, request[NAMES[kind]]).describe()

    @operations.add(
        "MaxResults NameContains NextToken SortBy SortOrder StatusEquals", f"List{title}s"
    )
    def list_all(request: Request) -> Request:
        part, only = request.get("NameContains", "").lower(), request.get("StatusEquals")
        found = [each.summary() for each in tables[kind].values() if part in each.name.lower()]
        found = [each for each in found if not only or each[f"{title}Status"] == only]
        by = request.get("SortBy", "CreationTime")
        by = by if by == "CreationTime" else f"{title}{by}"
        found.sort(
            key=lambda each: each[by], reverse=request.get("SortOrder", order) == "Descending"
        )
        token = request.get("NextToken", "0")
        if not token.isdecimal():
            raise invalid("Invalid pagination token.")
        end = int(token) + request.get("MaxResults", 10)
        more = {"NextToken": str(end)} if end < len(found) else {}
        return {listed: found[int(token) : end], **more}
