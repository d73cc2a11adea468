"""JSON logs: a line for each call, with s3_key, label, confidence and error as keys."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from aws_lambda_powertools import Logger

from handlers.errors import HandlerError

logger = Logger()


def log_calls(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The handler, logging how each call ends. Events are not logged, as they hold images."""

    @wraps(function)
    @logger.inject_lambda_context(log_event=False, clear_state=True)
    def handler(event: Any, context: Any) -> Any:
        note(**_subject(event))
        try:
            result = function(event, context)
        except HandlerError as error:
            logger.warning(str(error), error=type(error).__name__)
            raise
        logger.info("done", **_answer(result))
        return result

    return handler


def note(**fields: Any) -> None:
    """Add keys to the log line of this call."""
    logger.append_keys(**fields)


def _subject(event: Any) -> dict:
    if not isinstance(event, dict):
        return {}
    if isinstance(event.get("Items"), list):
        return {"images": len(event["Items"])}
    return {"s3_key": event["s3_key"]} if isinstance(event.get("s3_key"), str) else {}


def _answer(result: Any) -> dict:
    return {name: result[name] for name in ("label", "confidence") if name in result}
