"""A child of a map run: an Express execution of the ItemProcessor over one batch.

Such an execution has no history and is in no list. It sees its own input and context and none of
its parent's variables. It has five minutes, and 256 KiB for its output.
"""

import collections
import contextvars
import json
import threading
import time
from collections.abc import Callable

from ministack.core.responses import new_uuid, now_iso
from ministack.services import stepfunctions as sfn

from local.step_functions import lifetime, quotas
from local.step_functions.distributed_map.batches import Batch

SECONDS = 300


class Child:
    """One child; `execution` is what MiniStack's states take as the execution that they belong to.

    `outcome` is what its states came to, whether or not it had ended by then.
    """

    def __init__(self, parent: dict, state_machine_arn: str, batch: Batch):
        self.batch = batch
        self.outcome: dict = {}
        name = new_uuid()
        self.execution = {
            "executionArn": state_machine_arn.replace(":stateMachine:", ":express:")
            + f":{name}:{new_uuid()}",
            "stateMachineArn": state_machine_arn,
            "name": name,
            "status": "RUNNING",
            "startDate": now_iso(),
            "parent": parent,
            "events": collections.deque(maxlen=0),  # an Express execution keeps no history
        }
        self._deadline = time.monotonic() + SECONDS

    def start(self, processor: dict, context: dict, ended: Callable[["Child"], None]) -> None:
        """Run the ItemProcessor in a thread, which calls `ended` unless the child was ended."""
        threading.Thread(
            target=contextvars.copy_context().run,
            args=(self._run, processor, context, ended),
            daemon=True,
        ).start()

    def overdue(self) -> bool:
        """Whether its five minutes are over."""
        return time.monotonic() > self._deadline

    def end(self, status: str, **details: str) -> None:
        """End the execution; no state of it starts any more."""
        self.execution.update(status=status, stopDate=now_iso(), **details)

    def _run(self, processor: dict, context: dict, ended: Callable[["Child"], None]) -> None:
        execution = self.execution
        lifetime.current.set(execution)
        value = json.loads(self.batch.text)
        own = {
            "QueryLanguage": context["QueryLanguage"],
            "Execution": {
                "Id": execution["executionArn"],
                "Input": value,
                "Name": execution["name"],
                "RedriveCount": 0,
                "RoleArn": context["RoleArn"],
                "StartTime": execution["startDate"],
            },
            "StateMachine": {
                "Id": execution["stateMachineArn"],
                "Name": execution["stateMachineArn"].rsplit(":", 1)[-1],
            },
            "variables": {},
        }
        try:
            output = sfn._run_sub_machine(
                processor["States"], processor["StartAt"], value, execution, own
            )
            quotas.check(output, "The execution returned a result with")
            self.outcome = {"status": "SUCCEEDED", "output": output}
        except lifetime.ExecutionEndedError:
            return
        except sfn._ExecutionError as error:
            self.outcome = {"status": "FAILED", "error": error.error, "cause": error.cause}
        except Exception as error:
            self.outcome = {"status": "FAILED", "error": "States.Runtime", "cause": str(error)}
        ended(self)
