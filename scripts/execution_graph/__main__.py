"""Draw what each state of an execution did."""

import warnings
from pathlib import Path

from scripts.execution_graph import execution, picture
from scripts.execution_graph.drawing import render_png, render_svg
from service import terminal
from service.stack import Cloud


def main(argv: list[str] | None) -> None:
    """Run `python -m scripts.execution_graph`."""
    arguments = _parser().parse_args(argv)
    # A name may hold letters that the PNG's font lacks; the SVG's reader has fonts of its own.
    warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)
    cloud = Cloud()
    arn = execution.find(cloud, arguments.execution, arguments.stage)
    found = execution.load(cloud, arn)
    drawing = picture.draw(found)
    terminal.say("Execution", f"{found.name} of {found.machine}")
    terminal.say("Status", found.status + (", drawn so far" if not found.stopped else ""))
    for path in files(arguments.output, found):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".svg":
            path.write_text(render_svg(drawing), encoding="utf-8")
        else:
            path.write_bytes(render_png(drawing))
        terminal.say("Picture", path)


def files(output: Path, found: execution.Execution) -> list[Path]:
    """The files to write: the one that is named, or both in the folder."""
    if output.suffix.lower() in (".svg", ".png"):
        return [output.with_suffix(output.suffix.lower())]
    return [output / f"{found.machine}-{found.name}.{kind}" for kind in ("svg", "png")]


def _parser():
    parser = terminal.parser(
        "execution_graph",
        "Draw a state machine with what each state did in an execution, as SVG and PNG.",
        "arn:aws:states:us-east-1:123456789012:execution:scones-vehicles-dev-classify:my-batch",
    )
    parser.add_argument("execution", metavar="ARN|NAME", help="an execution of this service")
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("build"),
        metavar="FOLDER|FILE",
        help="a folder for both, or a .svg or .png file (default: %(default)s)",
    )
    return parser


if __name__ == "__main__":
    terminal.run(main)
