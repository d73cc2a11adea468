"""What every command shares: its parser, tables, waiting, and errors as one line."""

import argparse
import math
import os
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from botocore import exceptions as aws
from s3transfer.exceptions import RetriesExceededError
from urllib3.exceptions import HTTPError

from handlers.outcomes import STATUSES
from service import config

LABEL_WIDTH = 11

NO_CREDENTIALS = (
    'No AWS credentials. For the local cloud: eval "$(python -m local env)". '
    "For AWS: set AWS_PROFILE, or run `aws configure`."
)
CREDENTIAL_ERRORS = (
    aws.NoCredentialsError,
    aws.PartialCredentialsError,
    aws.CredentialRetrievalError,
    aws.TokenRetrievalError,
    aws.SSOError,
)
# While a body is read; of these botocore leaves those of TLS as urllib3's.
BROKEN_OFF = (
    aws.IncompleteReadError,
    aws.ResponseStreamingError,
    HTTPError,
    RetriesExceededError,
)
REFUSED_CREDENTIALS = {
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
# botocore's list, botocore.retries.standard.ThrottledRetryableChecker, but LimitExceededException:
# CloudWatch Logs and Application Auto Scaling say that of too many resources.
THROTTLED = {
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottledException",
    "TooManyRequestsException",
    "ProvisionedThroughputExceededException",
    "TransactionInProgressException",
    "RequestLimitExceeded",
    "BandwidthLimitExceeded",
    "RequestThrottled",
    "SlowDown",
    "PriorRequestNotComplete",
    "EC2ThrottledException",
}
ACCESS_DENIED = {"AccessDenied", "AccessDeniedException", "403", "Forbidden"}


class UserError(Exception):
    """Something that the person at the terminal can mend. The message says how, in one line."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C at a moment when the person should be told what goes on without them."""


def parser(command: str, description: str, example: str) -> argparse.ArgumentParser:
    """Return a parser for `python -m scripts.<command>` with `--stage` and an example."""
    prog = f"python -m scripts.{command}"
    result = argparse.ArgumentParser(
        prog=prog,
        description=description,
        epilog=f"example: {prog} {example}",
        allow_abbrev=False,
    )
    result.add_argument(
        "--stage", type=_stage, default="dev", help="the deployed stage (default: %(default)s)"
    )
    return result


def parser_of(
    command: str, description: str, parts: dict[str, tuple[argparse.ArgumentParser, Callable]]
) -> argparse.ArgumentParser:
    """Return a parser for `python -m scripts.<command> <part>`.

    A part has a parser of its own, made by `parser`, and what it does: `act` of the arguments.
    """
    result = argparse.ArgumentParser(
        prog=f"python -m scripts.{command}", description=description, allow_abbrev=False
    )
    added = result.add_subparsers(required=True, metavar="|".join(parts))
    for name, (own, act) in parts.items():
        part = added.add_parser(
            name,
            parents=[own],
            add_help=False,  # its own parser's
            help=own.description,
            description=own.description,
            epilog=own.epilog,
            allow_abbrev=False,
        )
        part.set_defaults(act=act)
    return result


def whole(least: int, most: int | None = None) -> Callable[[str], int]:
    """Return what parses a whole number within these bounds (an argparse type)."""
    bounds = f"of at least {least}" if most is None else f"from {least} to {most:,}"

    def parse(text: str) -> int:
        value = int(text) if text.isascii() and text.isdigit() else -1
        if value < least or (most is not None and value > most):
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number {bounds}")
        return value

    return parse


def number(least: float, most: float) -> Callable[[str], float]:
    """Return what parses a number within these bounds (an argparse type)."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {least} to {most:,}")
        return value

    return parse


def s3_uri(text: str) -> str:
    """Check an S3 URI of an object (an argparse type)."""
    if not re.fullmatch(r"s3://[a-z0-9.-]{3,63}/.+", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not s3://bucket/key")
    return text


def say(label: str, text: object) -> None:
    """Print one line of the report: a label column, then the text."""
    print(f"{label:<{LABEL_WIDTH}}{text}", flush=True)


def warn(*lines: str) -> None:
    """Print lines that nobody should overlook, to stderr."""
    print("".join(f"!! {line}\n" for line in lines), end="", file=sys.stderr, flush=True)


def run(main: Callable[[list[str] | None], None]) -> None:
    """Run a command and leave with its exit code: 0, 1 on an error, 130 on Ctrl-C.

    Errors that a person can mend become one line on stderr. Any other exception is a bug and
    keeps its traceback.
    """
    try:
        main(None)
    except KeyboardInterrupt as interrupt:
        _print_error(str(interrupt) or "Interrupted.")
        sys.exit(130)
    except Exception as error:
        message = explain(error)
        if message is None:
            raise
        _print_error(message)
        sys.exit(1)


def explain(error: Exception) -> str | None:
    """Return the one line that tells a person what to do, or None where the error is a bug."""
    if isinstance(error, UserError | config.ConfigError):
        return one_line(str(error), 1000)
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
        advice = quota_advice(message)
        return f"{error.operation_name} was refused ({code}): {message.rstrip('.')}. {advice}"
    if code in THROTTLED:
        return (
            f"{error.operation_name} is throttled ({code}): {message.rstrip('.')}. "
            "Other calls of this account in this region count as well: wait a minute and run this "
            "again, and where it stays so, ask for a higher rate in the Service Quotas console."
        )
    return f"{error.operation_name} was refused ({code}): {message}"


def quota_advice(message: str) -> str:
    """Return which quota to raise, where, and how, of the message that AWS refuses with."""
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    where = f"in {region}" if region else "in this region"
    named = re.search(r"service limit (?:'([^']+)'|\"([^\"]+)\")", message)
    if not named:
        return f"Ask AWS for a higher quota {where}: the Service Quotas console, Amazon SageMaker."
    quota = named[1] or named[2]
    # What is in use counts: a roll-out runs new instances beside the old.
    counts = re.findall(r"(?:utilization|request delta) of (\d[\d,]*)", message)
    wanted = sum(int(count.replace(",", "")) for count in counts) or 1
    spot = " Spot has a quota of its own." if "training job" in quota else ""
    return (
        f"Ask AWS for at least {wanted} of the quota '{quota}' {where}: the "
        "Service Quotas console, Amazon SageMaker, or aws service-quotas "
        "list-service-quotas --service-code sagemaker --query "
        f"\"Quotas[?QuotaName=='{quota}']\", then request-service-quota-increase.{spot}"
    )


def one_line(text: str, limit: int = 500) -> str:
    """Return the text with its white space collapsed and its length bounded."""
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _stage(text: str) -> str:
    if problem := config.stage_problem(text):
        raise argparse.ArgumentTypeError(problem)
    return text


def _print_error(message: str) -> None:
    print(f"error: {message}", file=sys.stderr, flush=True)


class Waiting:
    """Shows a changing status: on a terminal one line that counts seconds, else a line a status."""

    def __init__(self, label: str):
        self._label = label
        self._began = time.monotonic()
        self._status: str | None = None
        self._live = sys.stdout.isatty()

    def show(self, status: str) -> None:
        """Show the status. To be called at every poll."""
        if self._live:
            self.clear()
            print(f"{self._label:<{LABEL_WIDTH}}{status} {self.seconds:.0f} s", end="", flush=True)
        elif status != self._status:
            say(self._label, f"{status} ({self.seconds:.0f} s)")
        self._status = status

    def clear(self) -> None:
        """Make room for other output."""
        if self._live:
            print("\r\033[K", end="", flush=True)

    @property
    def seconds(self) -> float:
        """How long it has been waited for."""
        return time.monotonic() - self._began


def format_counts(counts: Mapping[str, int]) -> str:
    """Return `3 accepted, 1 review, 0 failed` for {status: photos}."""
    return ", ".join(f"{counts.get(status, 0):,} {status}" for status in STATUSES)


def render_table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    right: Sequence[int] = (),
    foot: Sequence[Sequence[str]] = (),
) -> str:
    """Return aligned columns with a rule below the header, and one above the foot's rows.

    `right` holds the indexes of right-aligned columns. The last column is never padded.
    """
    lines = [header, *rows, *foot]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]

    def row(cells: Sequence[str]) -> str:
        padded = (
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return "  ".join(padded).rstrip()

    rule = row(["─" * width for width in widths])
    below = [rule, *map(row, foot)] if foot else []
    return "\n".join([row(header), rule, *map(row, rows), *below])
