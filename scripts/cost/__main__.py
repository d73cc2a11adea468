"""Print the cost of an execution, or of any number of photos: amounts times list prices."""

import click

from scripts.cost import bill, plan
from scripts.cost.run import measure
from service import options, terminal
from service.stack import Cloud, elapsed_seconds, find_execution

MOST_PHOTOS = 10**12


@terminal.group("cost")
def main():
    """Print the cost of an execution, or of any number of photos."""


@main.command("run", example="my-batch")
@options.stage
@click.argument("name", metavar="EXECUTION")
def show_run(stage, name):
    """Print the bill of an execution of classify or classifyBulk, by its name or ARN."""
    cloud = Cloud()
    execution = find_execution(cloud, stage, name)
    usage = measure(cloud, execution)
    terminal.print_line("Execution", f"{execution['name']}, {execution['status']}")
    took = terminal.duration(elapsed_seconds(execution))
    terminal.print_line("Photos", f"{usage.photos:,} in {took}")
    print()
    terminal.show(bill.make_bill(usage, bill.load_prices()).to_table())
    print()
    bill.print_terms()
    terminal.print_line(
        "Durations", "the functions' means in the minutes of the run, other runs' among them"
    )


@main.command("plan", example="--images 1000000")
@click.option(
    "--images",
    "photos",
    type=click.IntRange(1, MOST_PHOTOS),
    default=1_000_000,
    help="number of photos",
)
def show_plan(photos):
    """Print the cost of photos with classify and classifyBulk, by measured rates."""
    plan.show(photos)


if __name__ == "__main__":
    terminal.run(main)
