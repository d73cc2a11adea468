"""What a run cost, and what other designs would: amounts used, times list price."""

import argparse
from collections.abc import Callable

from botocore.exceptions import ClientError

from scripts import cli, config
from scripts.cloud import Cloud, find_stack
from scripts.costs import bill, comparison, prices, usage


def main(argv: list[str] | None) -> None:
    """Run `python -m scripts.cost`."""
    arguments = _parser().parse_args(argv)
    arguments.act(arguments)


def run(arguments: argparse.Namespace) -> None:
    """Print the bill of an execution of `classify` or `classifyBulk`."""
    cloud = Cloud()
    stack = find_stack(cloud, arguments.stage)
    execution = find(cloud, stack, arguments.execution)
    used = usage.of_execution(cloud, stack, execution)
    list_prices = prices.load()
    seconds = (execution["stopDate"] - execution["startDate"]).total_seconds()
    machine = execution["stateMachineArn"].rsplit("-", 1)[1]
    cli.say("Execution", f"{execution['name']} of {machine}, {execution['status']}")
    cli.say("Images", f"{used.images:,} in {seconds:,.1f} s")
    print(f"\n{bill.of(used, list_prices).render()}\n")
    cli.say("Prices", f"{list_prices.region}, {list_prices.date}, free tiers not taken off")
    cli.say("Durations", "the functions' means in the minutes of the run, other runs' among them")
    cli.say("Left out", "storage, Data Capture's files, traces, messages, starting environments")


def plan(arguments: argparse.Namespace) -> None:
    """Print what four designs would cost for that many images."""
    most = config.load()["bulk"]["batch_size"]
    if arguments.batch_size > most:
        raise cli.UserError(f"classifyBulk takes batches of at most {most} images.")
    print(comparison.render(arguments.images, arguments.batch_size, arguments.arch))


def find(cloud: Cloud, stack, given: str) -> dict:
    """Describe the execution of that ARN, or of that name in either state machine."""
    states = cloud.client("stepfunctions")
    arns = (
        [given]
        if given.startswith("arn:")
        else [
            f"{machine.replace(':stateMachine:', ':execution:', 1)}:{given}"
            for machine in (stack.bulk_state_machine, stack.state_machine)
        ]
    )
    for arn in arns:
        try:
            return states.describe_execution(executionArn=arn)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("ExecutionDoesNotExist", "InvalidArn"):
                raise
    raise cli.UserError(
        f"There is no execution {given}. List them: aws stepfunctions list-executions "
        f"--state-machine-arn {stack.state_machine}"
    )


def _parser() -> argparse.ArgumentParser:
    shared = cli.parser("cost", "What a run cost, or what others would.", "plan --images 1000000")
    parser = argparse.ArgumentParser(
        prog=shared.prog, description=shared.description, epilog=shared.epilog
    )
    commands = parser.add_subparsers(required=True, metavar="run|plan")

    def add(name: str, act: Callable, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(
            name, parents=[shared], add_help=False, help=text, description=f"{text.capitalize()}."
        )
        command.set_defaults(act=act)
        return command

    command = add("run", run, "the bill of an execution")
    command.add_argument("execution", metavar="EXECUTION", help="its name or ARN")
    command = add("plan", plan, "four designs side by side, by measured rates")
    command.add_argument(
        "--images", type=cli.positive_int, default=1_000_000, help="(default: %(default)s)"
    )
    command.add_argument(
        "--batch-size",
        type=cli.positive_int,
        default=config.load()["bulk"]["batch_size"],
        help="images a batch of classifyBulk (default: %(default)s)",
    )
    command.add_argument(
        "--arch",
        choices=("arm64", "x86_64"),
        default="arm64",
        help="what the functions run on (default: %(default)s)",
    )
    return parser


if __name__ == "__main__":
    cli.run(main)
