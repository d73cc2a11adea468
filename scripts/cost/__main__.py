"""What a run cost, and what any number of photos would: amounts used, times list price."""

import argparse

from scripts.cost import bill, plan, run
from service import terminal
from service.stack import Cloud, Stack, describe_execution, execution_arn, find_stack


def main(argv: list[str] | None) -> None:
    """Run `python -m scripts.cost`."""
    arguments = _parser().parse_args(argv)
    arguments.act(arguments)


def show_run(arguments: argparse.Namespace) -> None:
    """Print the bill of an execution of `classify` or `classifyBulk`."""
    cloud = Cloud()
    stack = find_stack(cloud, arguments.stage)
    execution = find_execution(cloud.client("stepfunctions"), stack, arguments.execution)
    used = run.measure(cloud, stack, execution)
    seconds = (execution["stopDate"] - execution["startDate"]).total_seconds()
    machine = execution["stateMachineArn"].rsplit("-", 1)[1]
    terminal.say("Execution", f"{execution['name']} of {machine}, {execution['status']}")
    terminal.say("Photos", f"{used.photos:,} in {seconds:,.1f} s")
    print(f"\n{bill.make_bill(used, bill.load_prices()).render()}\n")
    terminal.say("Prices", bill.load_prices())
    terminal.say(
        "Durations", "the functions' means in the minutes of the run, other runs' among them"
    )
    terminal.say("Left out", bill.LEFT_OUT)


def show_plan(arguments: argparse.Namespace) -> None:
    """Print what that many photos would cost."""
    print(plan.render(arguments.images))


def find_execution(states, stack: Stack, given: str) -> dict:
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
    parts = {"run": (_run_parser(), show_run), "plan": (_plan_parser(), show_plan)}
    return terminal.parser_of("cost", "What a run cost, or what photos would.", parts)


def _run_parser() -> argparse.ArgumentParser:
    parser = terminal.parser("cost run", "Print the bill of an execution.", "my-batch")
    parser.add_argument("execution", metavar="EXECUTION", help="its name or ARN")
    return parser


def _plan_parser() -> argparse.ArgumentParser:
    parser = terminal.parser(
        "cost plan", "Print what photos cost, by measured rates.", "--images 1000000"
    )
    parser.add_argument(
        "--images",
        type=terminal.whole(1),
        default=1_000_000,
        metavar="N",
        help="how many photos (default: %(default)s)",
    )
    return parser


if __name__ == "__main__":
    terminal.run(main)
