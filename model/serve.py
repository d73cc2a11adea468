"""Serve a trained model by SageMaker's container contract: `python model/serve.py`.

It reads these environment variables (defaults in brackets):

    SM_MODEL_DIR                    the folder with model.onnx and classes.json (/opt/ml/model)
    SERVE_HOST                      the address to listen on (0.0.0.0)
    SAGEMAKER_BIND_TO_PORT          the port (8080)
    SAGEMAKER_MODEL_SERVER_WORKERS  processes, each with one thread of inference (one a core)

If the model is missing or broken the process ends at once, with exit status 1 and the reason in the
log. After SIGTERM it answers the requests in flight and ends.
"""

import logging
import logging.config
import os
import signal
import sys
from pathlib import Path

import uvicorn
from serving import log
from serving.app import Application
from serving.classifier import Classifier, ModelError

GRACE_SECONDS = 25  # SageMaker kills a container 30 seconds after SIGTERM
KEEP_ALIVE_SECONDS = 75  # longer than callers keep idle connections: they close them first


def load() -> Classifier:
    """The model in SM_MODEL_DIR. Raises ModelError."""
    return Classifier(Path(os.environ.get("SM_MODEL_DIR", "/opt/ml/model")))


def application() -> Application:
    """The ASGI application of a worker."""
    return Application(load())


def main() -> int:
    """Check the model, then serve it until a signal ends the process. Returns the exit status."""
    logging.config.dictConfig(log.CONFIG)
    try:
        classifier = load()
    except ModelError as error:
        logging.getLogger("serving").error("the model cannot be served: %s", error)
        return 1
    fields = {"classes": classifier.classes, "side": classifier.side}
    logging.getLogger("serving").info("model loaded", extra={"fields": fields})
    del classifier  # each worker loads its own
    # For the time before the server handles signals, and for a worker that passes one on.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))

    uvicorn.run(
        "serve:application",
        factory=True,
        host=os.environ.get("SERVE_HOST", "0.0.0.0"),  # noqa: S104 - a container's only interface
        port=int(os.environ.get("SAGEMAKER_BIND_TO_PORT", "8080")),
        workers=int(os.environ.get("SAGEMAKER_MODEL_SERVER_WORKERS", os.cpu_count() or 1)),
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        interface="asgi3",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        log_config=log.CONFIG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
