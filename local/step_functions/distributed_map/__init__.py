"""Distributed Map: batches of the items of an S3 object, each in an Express execution of its own.

MiniStack's Distributed Map knows no ItemBatcher and no ResultWriter, evaluates no JSONata, counts
executions where AWS counts items, keeps each child for ever, and goes on when its parent has ended.
This one does what this service's state machine uses as AWS does it, and refuses the rest.
"""

import json

from ministack.core.responses import new_uuid
from ministack.services import stepfunctions as sfn

from local import seams
from local.step_functions import executions
from local.step_functions.distributed_map import definition, items
from local.step_functions.distributed_map.map_run import MapRun


@seams.replaces(sfn, "_run_distributed_map")
def run(original, state, state_input, effective, processor, execution, context) -> tuple:
    """The state's output and the next state; raises what a Retry or Catch of the state may take."""
    machine = sfn._state_machines[execution["stateMachineArn"]]["definition"]
    definition.check(state, context, json.loads(machine))
    inner = {**context, "variables": {}}
    settings = definition.evaluate(state, state_input, inner)
    executions.authorize(
        "states:StartExecution", execution["stateMachineArn"], "States.Permissions"
    )
    map_run = MapRun(execution, state.get("Label") or new_uuid(), settings)
    try:
        values = items.read(*settings.manifest)
        if "ItemSelector" in state:
            values = items.select(state["ItemSelector"], values, state_input, inner)
        limits = settings.batch_items, settings.batch_bytes
        map_run.add(items.batch(values, settings.batch_input, *limits))
        map_run.work(processor, {**context, "RoleArn": executions.role_arn(execution)})
        result = map_run.write_results(*settings.results)
        if map_run.exceeded():
            raise sfn._ExecutionError(
                "States.ExceedToleratedFailureThreshold",
                "The specified tolerated failure threshold was exceeded",
            )
    except sfn._ExecutionError as error:
        map_run.end("FAILED", error=error.error, cause=error.cause)
        raise
    except executions.ExecutionEndedError:
        map_run.end("ABORTED")
        raise
    map_run.end("SUCCEEDED")
    output = sfn._apply_jsonata_output(state, state_input, context, result=result, default=result)
    sfn._apply_state_assign(state, state_input, context, result=result)
    return output, sfn._next_or_end(state)
