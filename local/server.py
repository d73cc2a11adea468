"""`python -m local.server PYTHON`: MiniStack with the additions, in this process.

PYTHON runs the Lambda functions. The environment has the rest (see environment.py); standard
input is a pipe that the supervisor holds open.
"""

import os
import sys
import threading
from pathlib import Path

from local import seams, session


def main() -> None:
    """Serve until told to end, or until the supervisor has ended."""
    threading.Thread(target=_end_with_supervisor, daemon=True).start()
    try:
        seams.check_version()
        # Only now: MiniStack's modules read the environment as they are imported.
        from ministack import app

        from local import events, iam, names, paths, sagemaker, step_functions
        from local.lambda_runtime import faults, invocation
        from local.metrics import alarms, recording

        port = int(os.environ["GATEWAY_PORT"])
        invocation.install(Path(sys.argv.pop()))  # MiniStack reads the arguments too
        step_functions.install()
        recording.install()
        alarms.install()
        faults.install(paths.home(port))  # after the metrics: what fails here is no invocation
        iam.install()
        events.install()
        names.install()
        sagemaker.install()
    except seams.SeamError as error:
        sys.exit(f"local cloud: {error}")
    app.main()


def _end_with_supervisor() -> None:
    os.read(0, 1)
    session.end(os.getsid(0))
    os._exit(1)


if __name__ == "__main__":
    main()
