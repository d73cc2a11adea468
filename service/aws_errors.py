"""Errors of AWS as one line that says what to do."""

import os
import re
from collections.abc import Callable
from typing import Any

from botocore import exceptions as aws
from s3transfer.exceptions import RetriesExceededError

import handlers.aws

NO_CREDENTIALS = (
    'No AWS credentials. For the local cloud: eval "$(python -m local env)". '
    "For AWS: set AWS_PROFILE, or run `aws configure`."
)
CREDENTIAL_ERRORS = (
    *(aws.NoCredentialsError, aws.PartialCredentialsError, aws.CredentialRetrievalError),
    *(aws.TokenRetrievalError, aws.SSOError),
)
# What reading an object raises when the connection breaks; boto3's transfers have their own.
BROKEN_OFF = (*handlers.aws.BROKEN_OFF, RetriesExceededError)
REFUSED_CREDENTIALS = {
    *("ExpiredToken", "ExpiredTokenException", "InvalidAccessKeyId", "InvalidClientTokenId"),
    *("SignatureDoesNotMatch", "UnrecognizedClientException"),
}
# Of botocore's list all but LimitExceededException, which can also mean too many resources.
THROTTLED = re.compile(
    "Throttl|TooManyRequests|SlowDown|ThroughputExceeded|RequestLimitExceeded|BandwidthLimit"
)
ACCESS_DENIED = {"AccessDenied", "AccessDeniedException", "403", "Forbidden"}


def call_unless_refused(refusals: tuple[str, ...], operation: Callable, **arguments) -> Any:
    """Return AWS's answer to a call; None if it is refused by one of these codes or words."""
    try:
        return operation(**arguments)
    except aws.ClientError as error:
        if not is_refusal(error, refusals):
            raise
        return None


def is_refusal(error: aws.ClientError, refusals: tuple[str, ...]) -> bool:
    """Whether AWS's answer has one of these codes, or its message words with a space among them."""
    answer = error.response["Error"]
    words = [each for each in refusals if " " in each]
    return answer["Code"] in refusals or any(each in answer.get("Message", "") for each in words)


def explain(error: Exception) -> str | None:
    """Return one line that says what to do about the error; None if it is not AWS's."""
    if isinstance(error, CREDENTIAL_ERRORS):
        return NO_CREDENTIALS
    if isinstance(error, aws.ProfileNotFound):
        return f"{error}. See `aws configure list-profiles`, or unset AWS_PROFILE."
    if isinstance(error, BROKEN_OFF):
        reason = one_line(str(error))
        return f"A download broke off ({type(error).__name__}): {reason}. Run this again."
    if isinstance(error, aws.HTTPClientError | aws.ConnectionError):
        url = error.kwargs.get("endpoint_url", "the service's address")
        return (
            f"Nothing answers at {url} ({type(error).__name__}). Local cloud: is it up "
            "(python -m local status), and is AWS_ENDPOINT_URL right? AWS: is there a network?"
        )
    if isinstance(error, aws.ClientError):
        return _explain_refusal(error)
    return None


def _explain_refusal(error: aws.ClientError) -> str:
    code = error.response.get("Error", {}).get("Code", "Unknown")
    message = one_line(error.response.get("Error", {}).get("Message", "")) or "no reason given"
    if code in REFUSED_CREDENTIALS:
        return f"AWS does not accept these credentials ({code}): {message}. Log in again."
    if code in ACCESS_DENIED:
        return f"Access denied to {error.operation_name}: {message}"
    if code == "ResourceLimitExceeded":
        message = f"{message.rstrip('.')}. {quota_advice(message)}"
    if THROTTLED.search(code):
        return (
            f"{error.operation_name} is throttled ({code}): {message.rstrip('.')}. "
            "Other calls of this account in this region count as well: wait a minute and run this "
            "again, and where it stays so, ask for a higher rate in the Service Quotas console."
        )
    return f"{error.operation_name} was refused ({code}): {message}"


def quota_advice(message: str) -> str:
    """Return where to ask for more of the quota that AWS's refusal names."""
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    where = f"in {region}" if region else "in this region"
    spot = " Spot has a quota of its own." if "training job" in message else ""
    return f"Ask AWS for more {where}: the Service Quotas console, Amazon SageMaker.{spot}"


def one_line(text: str, limit: int = 500) -> str:
    """Return the text on one line, cut to the limit."""
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"
