"""What a run cost, and what other designs would: amounts used, times list price."""

import argparse

from scripts.cost import bill, usage
from scripts.cost.plan import compare
from service import config, terminal
from service.stack import Cloud, Stack, describe_execution, execution_arn, find_stack


def main(argv: list[str] | None) -> None:
    """Run `python -m scripts.cost`."""
    arguments = _parser().parse_args(argv)
    arguments.act(arguments)


def run(arguments: argparse.Namespace) -> None:
    """Print the bill of an execution of `classify` or `classifyBulk`."""
    cloud = Cloud()
    stack = find_stack(cloud, arguments.stage)
    execution = find(cloud.client("stepfunctions"), stack, arguments.execution)
    used = usage.of_execution(cloud, stack, execution)
    list_prices = bill.load_prices()
    seconds = (execution["stopDate"] - execution["startDate"]).total_seconds()
    machine = execution["stateMachineArn"].rsplit("-", 1)[1]
    terminal.say("Execution", f"{execution['name']} of {machine}, {execution['status']}")
    terminal.say("Images", f"{used.images:,} in {seconds:,.1f} s")
    print(f"\n{bill.make_bill(used, list_prices).render()}\n")
    terminal.say("Prices", f"{list_prices.region}, {list_prices.date}, free tiers not taken off")
    terminal.say(
        "Durations", "the functions' means in the minutes of the run, other runs' among them"
    )
    terminal.say(
        "Left out", "storage, Data Capture's files, traces, messages, starting environments"
    )


def plan(arguments: argparse.Namespace) -> None:
    """Print what four designs would cost for that many images."""
    print(compare(arguments.images, arguments.batch_size, arguments.arch))


def find(states, stack: Stack, given: str) -> dict:
    """Describe the execution of that ARN, or of that name in either state machine."""
    machines = (stack.bulk_state_machine, stack.state_machine)
    named = [execution_arn(machine, given) for machine in machines]
    for arn in [given] if given.startswith("arn:") else named:
        if (execution := describe_execution(states, arn)) is not None:
            return execution
    raise terminal.UserError(
        f"There is no execution {given}. List them: aws stepfunctions list-executions "
        f"--state-machine-arn {stack.state_machine}"
    )


def _parser() -> argparse.ArgumentParser:
    parts = {"run": (_run_parser(), run), "plan": (_plan_parser(), plan)}
    return terminal.parser_of("cost", "What a run cost, or what others would.", parts)


def _run_parser() -> argparse.ArgumentParser:
    parser = terminal.parser("cost run", "Print the bill of an execution.", "my-batch")
    parser.add_argument("execution", metavar="EXECUTION", help="its name or ARN")
    return parser


def _plan_parser() -> argparse.ArgumentParser:
    parser = terminal.parser(
        "cost plan", "Print four designs side by side, by measured rates.", "--images 1000000"
    )
    most = config.load()["bulk"]["batch_size"]
    parser.add_argument(
        "--images",
        type=terminal.whole(1),
        default=1_000_000,
        metavar="N",
        help="how many (default: %(default)s)",
    )
    parser.add_argument(
        "--batch-size",
        type=terminal.whole(1, most),
        default=most,
        metavar="N",
        help="images a batch of classifyBulk (default: %(default)s, the most)",
    )
    parser.add_argument(
        "--arch",
        choices=("arm64", "x86_64"),
        default="arm64",
        help="what the functions run on (default: %(default)s)",
    )
    return parser


if __name__ == "__main__":
    terminal.run(main)
