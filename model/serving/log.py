"""Logs as JSON lines on stdout, uvicorn's lines too."""

import json
import logging
import time


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON: time (UTC), level, message and `extra["fields"]`."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON, without a line break."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line = {
            "time": f"{moment}.{int(record.msecs):03d}Z",
            "level": record.levelname,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


CONFIG = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": JsonFormatter}},
    "handlers": {
        "stdout": {
            "class": "logging.StreamHandler",
            "stream": "ext://sys.stdout",
            "formatter": "json",
        }
    },
    "root": {"handlers": ["stdout"], "level": "INFO"},
    "loggers": {"uvicorn": {"level": "INFO"}},
}
