"""What AWS answers to a call that it refuses."""

from botocore.exceptions import ClientError


def refusal(code: str, message: str | None = None, status: int = 400):
    """botocore's error for an answer with `status`, `code` and `message` (as a rule the code)."""
    answer = {
        "Error": {"Code": code, "Message": code if message is None else message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, "PutObject")
