"""Draw the states of an execution, with how often each was entered and left."""

from pathlib import Path

import click

from scripts.execution_graph.execution import load
from scripts.execution_graph.picture import Picture, render
from service import options, terminal
from service.stack import Cloud, find_execution


@terminal.command("execution_graph", example="my-batch --output my-batch.svg")
@options.stage
@click.argument("name", metavar="NAME|ARN")
@click.option(
    "--output", type=options.OutputFile(".svg"), help="(default: build/STATE_MACHINE-NAME.svg)"
)
def main(stage: str, name: str, output: Path | None) -> None:
    """Draw the states of the execution NAME with their counts, as SVG."""
    cloud = Cloud()
    execution = load(cloud, find_execution(cloud, stage, name))
    picture = Picture(execution)
    drawing = render(picture.dot(), f"Execution {execution.name}", picture.description())
    path = output or Path("build", f"{execution.machine}-{execution.name}.svg")
    path.parent.mkdir(exist_ok=True)
    path.write_text(drawing, encoding="utf-8")
    terminal.print_line("Execution", f"{execution.name} of {execution.machine}")
    terminal.print_line("Status", execution.status)
    terminal.print_line("Picture", path)


if __name__ == "__main__":
    terminal.run(main)
