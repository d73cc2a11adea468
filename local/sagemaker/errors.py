"""The errors that SageMaker's APIs answer with, by the codes that callers match on."""


class ServiceError(Exception):
    """An error answer: `code` as the SDK shows it, HTTP `status`, further `members` of the body."""

    def __init__(self, code: str, message: str, status: int = 400, **members: object):
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.members = members


def validation_exception(message: str) -> ServiceError:
    """The control plane's answer to a request that it cannot accept."""
    return ServiceError("ValidationException", message)


def not_emulated(subject: str) -> ServiceError:
    """The answer to a request for something that AWS does and the local cloud does not."""
    return validation_exception(f"The local cloud does not emulate {subject}.")


def check_quota(usage: str, count: int, limit: int) -> None:
    """Raise ResourceLimitExceeded for more instances than this machine stands for."""
    if count > limit:
        raise ServiceError(
            "ResourceLimitExceeded",
            f"The account-level service limit '{usage}' is {limit} Instances, with current "
            f"utilization of 0 Instances and a request delta of {count} Instances. "
            "The local cloud runs them all on this machine.",
        )
