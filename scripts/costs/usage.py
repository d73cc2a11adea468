"""What an execution of `classify` or `classifyBulk` used, from what AWS recorded of it."""

import json
from typing import NamedTuple

from scripts import config
from scripts.bulk_runs import results
from scripts.cli import UserError
from scripts.cloud import Cloud, Stack
from scripts.costs import rules
from scripts.costs.amounts import Instances, Usage
from scripts.costs.history import History
from scripts.costs.invocations import Invocations
from scripts.hosting import Hosting


class Task(NamedTuple):
    """A state that calls a function, by itself or in the children of a Distributed Map."""

    state: str
    function: str
    in_child: bool


def of_execution(cloud: Cloud, stack: Stack, execution: dict) -> Usage:
    """Return what the execution, as DescribeExecution tells it, used.

    Transitions, and how often a function was called, are those in its history and its map runs: a
    retry counts, but for one within a batch of `classifyBulk`, which leaves no trace. How long a
    call took is the function's mean in the minutes of the run. Raises UserError for an execution
    that still runs, that came to no image, or that belongs to another state machine.
    """
    if execution["status"] == "RUNNING":
        raise UserError(f"{execution['name']} still runs. Its bill is complete when it has ended.")
    machine = execution["stateMachineArn"]
    if machine not in (stack.state_machine, stack.bulk_state_machine):
        raise UserError(f"{execution['name']} is no execution of classify or classifyBulk.")
    states = cloud.client("stepfunctions")
    history = History.read(states, execution["executionArn"])
    definition = json.loads(states.describe_state_machine(stateMachineArn=machine)["definition"])
    runs = [states.describe_map_run(mapRunArn=arn) for arn in history.map_runs]
    children = sum(_started(run["executionCounts"]) for run in runs)
    measured = Invocations(cloud, execution["startDate"], execution["stopDate"])
    tasks = lambda_tasks(definition)
    functions = {
        task.function: measured.of(task.function, calls, execution["status"] == "SUCCEEDED")
        for task in tasks
        if (calls := children if task.in_child else history.tasks[task.state])
    }
    if machine == stack.state_machine:
        images, s3_gets, s3_puts = history.items, history.tasks["SerializeImageData"], 0
    else:
        images = sum(_started(run["itemCounts"]) for run in runs)
        files = len(results.files_of(cloud.client("s3"), stack.bucket, execution))
        # Each batch's array is written and read, and so are the results; the manifest is read.
        s3_gets, s3_puts = images + children + len(runs) + files, children + files
    if not images:
        raise UserError(f"{execution['name']} ended before it came to its images.")
    seconds = sum(functions[task.function].seconds for task in tasks if task.in_child and children)
    return Usage(
        images=images,
        transitions=history.transitions + children,
        express_requests=children,
        express_gb_seconds=rules.express_gb_seconds(children, seconds),
        functions={
            name.removeprefix(f"{stack.endpoint}-"): used for name, used in functions.items()
        },
        s3_gets=s3_gets,
        s3_puts=s3_puts,
        endpoint_gb=rules.endpoint_gb(images, config.load()["image"]["size"]),
        instances=_endpoint(cloud, stack, execution),
    )


def lambda_tasks(definition: dict, in_child: bool = False) -> list[Task]:
    """Return the tasks of a state machine's definition that call functions."""
    found = []
    for name, state in definition.get("States", {}).items():
        if state.get("Resource") == "arn:aws:states:::lambda:invoke":
            found.append(Task(name, state["Arguments"]["FunctionName"].split(":")[6], in_child))
        processor = state.get("ItemProcessor", {})
        distributed = processor.get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED"
        found += lambda_tasks(processor, in_child or distributed)
    return found


def _started(counts: dict) -> int:
    return counts["total"] - counts["pending"]


def _endpoint(cloud: Cloud, stack: Stack, execution: dict) -> Instances | None:
    """The endpoint's instances for the time of the run; None where there is none now."""
    sagemaker = cloud.client("sagemaker")
    endpoint = Hosting(sagemaker, stack.endpoint, stack.endpoint).describe()
    if endpoint is None:
        return None
    configuration = sagemaker.describe_endpoint_config(
        EndpointConfigName=endpoint["EndpointConfigName"]
    )
    return Instances(
        type=configuration["ProductionVariants"][0]["InstanceType"],
        count=sum(v["CurrentInstanceCount"] for v in endpoint["ProductionVariants"]),
        seconds=(execution["stopDate"] - execution["startDate"]).total_seconds(),
        stand=True,
    )
