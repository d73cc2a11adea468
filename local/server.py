"""`python -m local.server PYTHON`: MiniStack with the additions, in this process.

PYTHON runs the Lambda functions. The environment has the rest (see environment.py); standard
input is a pipe that the supervisor holds open.
"""

import os
import sys
import threading
from pathlib import Path

from local import seams, supervisor


def main() -> None:
    """Serve until told to end, or until the supervisor has ended."""
    threading.Thread(target=_end_with_supervisor, daemon=True).start()
    try:
        seams.check_version()
        # Only now: MiniStack's modules read the environment as they are imported.
        from ministack import app

        from local import events, iam, names, sagemaker, stack_roles
        from local.lambda_runtime import environment, faults, invocation
        from local.metrics import alarms, recording
        from local.sagemaker import images
        from local.step_functions import distributed_map, errors, executions, history, interpreter

        environment.Environment.python = Path(sys.argv.pop())  # MiniStack reads the arguments too
        for additions in (
            *(environment, invocation, executions, errors, distributed_map, interpreter, history),
            *(recording, alarms, faults, iam, events, names, stack_roles, images),
        ):
            seams.install(additions)
        threading.Thread(target=alarms.watch, daemon=True).start()
        sagemaker.install()
    except seams.SeamError as error:
        sys.exit(f"local cloud: {error}")
    app.main()


def _end_with_supervisor() -> None:
    os.read(0, 1)
    supervisor.end(os.getsid(0))
    os._exit(1)


if __name__ == "__main__":
    main()
