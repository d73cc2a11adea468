"""What a run cost, and what any number of photos would: amounts used, times list price."""

import click

from scripts.cost import bill, plan, run
from service import options, terminal
from service.stack import Cloud, Stack, describe_execution, execution_arn, find_stack

MOST_PHOTOS = 10**12


@terminal.group("cost")
def main():
    """Print what a run cost, or what photos would."""


@main.command("run", example="my-batch")
@options.stage
@click.argument("execution")
def show_run(stage, execution):
    """Print the bill of an execution of classify or classifyBulk, by its name or ARN."""
    cloud = Cloud()
    stack = find_stack(cloud, stage)
    ended = find_execution(cloud.client("stepfunctions"), stack, execution)
    used = run.measure(cloud, stack, ended)
    seconds = (ended["stopDate"] - ended["startDate"]).total_seconds()
    machine = ended["stateMachineArn"].rsplit("-", 1)[1]
    terminal.print_line("Execution", f"{ended['name']} of {machine}, {ended['status']}")
    terminal.print_line("Photos", f"{used.photos:,} in {terminal.duration(seconds)}")
    print()
    terminal.show(bill.make_bill(used, bill.load_prices()).to_table())
    print()
    terminal.print_line("Prices", bill.load_prices())
    terminal.print_line(
        "Durations", "the functions' means in the minutes of the run, other runs' among them"
    )
    terminal.print_line("Left out", bill.LEFT_OUT)


@main.command("plan", example="--images 1000000")
@options.stage
@click.option(
    "--images",
    "photos",
    type=options.WholeNumber(1, MOST_PHOTOS),
    default=1_000_000,
    metavar="N",
    help="how many photos",
)
def show_plan(stage, photos):
    """Print what photos cost with classify and classifyBulk, by measured rates."""
    plan.show(photos)


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


if __name__ == "__main__":
    terminal.run(main)
