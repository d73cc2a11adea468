"""Print the cost of a run, or of any number of photos: amounts times list prices."""

import click

from scripts.cost import bill, plan, run
from service import options, terminal
from service.stack import Cloud, elapsed_seconds, find_execution, find_stack

MOST_PHOTOS = 10**12


@terminal.group("cost")
def main():
    """Print the cost of a run, or of any number of photos."""


@main.command("run", example="my-batch")
@options.stage
@click.argument("name", metavar="EXECUTION")
def show_run(stage, name):
    """Print the bill of an execution of classify or classifyBulk, by its name or ARN."""
    cloud = Cloud()
    stack = find_stack(cloud, stage)
    execution = find_execution(cloud, stage, name)
    prices, usage = bill.load_prices(), run.measure(cloud, stack, execution)
    machine = execution["stateMachineArn"].rpartition("-")[2]
    took = terminal.duration(elapsed_seconds(execution))
    terminal.print_line("Execution", f"{execution['name']} of {machine}, {execution['status']}")
    terminal.print_line("Photos", f"{usage.photos:,} in {took}")
    print()
    terminal.show(bill.make_bill(usage, prices).to_table())
    print()
    terminal.print_line("Prices", prices)
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
    help="number of photos",
)
def show_plan(stage, photos):
    """Print the cost of photos with classify and classifyBulk, by measured rates."""
    plan.show(photos)


if __name__ == "__main__":
    terminal.run(main)
