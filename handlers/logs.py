"""JSON logs: a line for each call, with s3_key, label, confidence and error as keys."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from aws_lambda_powertools import Logger

from handlers.errors import HandlerError

logger = Logger()


def logged(function: Callable[[Any, Any], dict]) -> Callable[[Any, Any], dict]:
    """The handler `function`, logging how each call ends; events, which hold images, stay out."""

    @wraps(function)
    @logger.inject_lambda_context(log_event=False, clear_state=True)
    def handler(event: Any, context: Any) -> dict:
        if isinstance(event, dict) and isinstance(event.get("s3_key"), str):
            logger.append_keys(s3_key=event["s3_key"])
        try:
            result = function(event, context)
        except HandlerError as error:
            logger.warning(str(error), error=type(error).__name__)
            raise
        logger.info(
            "done", **{name: result[name] for name in ("label", "confidence") if name in result}
        )
        return result

    return handler
