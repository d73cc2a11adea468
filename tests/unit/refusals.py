"""What AWS answers to a call that it refuses."""

from botocore.exceptions import ClientError


def refusal(code: str, message: str = "", status: int = 400, operation: str = "Call"):
    """botocore's error for an answer of `status` with `code` and `message`."""
    answer = {
        "Error": {"Code": code, "Message": message or code},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, operation)
