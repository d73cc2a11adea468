"""What every command shares: its parser, its output, and errors as one line."""

import argparse
import re
import sys
from collections.abc import Callable

from botocore import exceptions as aws

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
REFUSED_CREDENTIALS = {
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
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


def positive_int(text: str) -> int:
    """Parse a whole number of at least 1 (an argparse type)."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def several(text: str) -> int:
    """Parse a whole number of at least 2 (an argparse type)."""
    if not text.isascii() or not text.isdigit() or int(text) < 2:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 2")
    return int(text)


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
    if isinstance(error, UserError):
        return one_line(str(error))
    if isinstance(error, CREDENTIAL_ERRORS):
        return NO_CREDENTIALS
    if isinstance(error, aws.ProfileNotFound):
        return f"{error}. See `aws configure list-profiles`, or unset AWS_PROFILE."
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
    return f"{error.operation_name} was refused ({code}): {message}"


def one_line(text: str, limit: int = 500) -> str:
    """Return the text with its white space collapsed and its length bounded."""
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _stage(text: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,19}", text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no stage name: lower-case letters, digits and hyphens, at most 20"
        )
    return text


def _print_error(message: str) -> None:
    print(f"error: {message}", file=sys.stderr, flush=True)
