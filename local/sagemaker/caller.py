"""Who asks, and what is the same for whatever they ask."""

from dataclasses import dataclass
from typing import Any

from local.sagemaker.errors import ServiceError
from local.sagemaker.records import Scope

Request = dict[str, Any]


@dataclass(frozen=True)
class Caller:
    """The access key that signed, and the account and region it is for."""

    access_key_id: str
    scope: Scope


def check_quota(usage: str, wanted: int, limit: int) -> None:
    """Raise ResourceLimitExceeded if that many instances are more than this machine stands for."""
    if wanted > limit:
        raise ServiceError(
            "ResourceLimitExceeded",
            f"The account-level service limit '{usage}' is {limit} Instances, with current "
            f"utilization of 0 Instances and a request delta of {wanted} Instances. "
            "The local cloud runs them all on this machine.",
        )
