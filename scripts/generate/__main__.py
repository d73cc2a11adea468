"""Make load: a stream of photos at a mean rate, or any number of them in one run in bulk."""

import argparse
import json
from pathlib import Path

from scripts.cost import bill
from scripts.cost import run as cost_of_run
from scripts.generate import bulk_run, changes, source, stream
from scripts.generate.source import ImageSource
from service import terminal
from service.stack import Cloud, Stack, find_stack


def main(argv: list[str] | None) -> None:
    """Run `python -m scripts.generate`."""
    arguments = _parser().parse_args(argv)
    cloud = Cloud()
    arguments.act(cloud, find_stack(cloud, arguments.stage), arguments)


def run_stream(cloud: Cloud, stack: Stack, arguments: argparse.Namespace) -> None:
    """Send a stream and tell how long its answers took. UserError where one is not as it should."""
    source = source_of(cloud, stack, arguments)
    plan = stream.Plan(arguments.rate, arguments.duration, arguments.to)
    report = stream.run(cloud, stack, source, plan)
    print(f"\n{report.render()}")
    if arguments.json:
        _write_json(arguments.json, report.as_json())
    if report.interrupted:
        raise terminal.Interrupted("Interrupted: the table is of what was sent until then.")
    if problem := report.problem():
        raise terminal.UserError(problem)


def run_bulk(cloud: Cloud, stack: Stack, arguments: argparse.Namespace) -> None:
    """Classify the images in one run and tell how fast it was, and what it cost."""
    run = bulk_run.run(cloud, stack, source_of(cloud, stack, arguments), arguments.images)
    rate = run.counts["submitted"] / run.seconds
    terminal.say("Seconds", f"{run.seconds:.1f}, {rate:,.0f} images a second")
    terminal.say("Counts", ", ".join(f"{count:,} {status}" for status, count in run.counts.items()))
    used = cost_of_run.measure(cloud, stack, run.execution)
    print(f"\n{bill.make_bill(used, bill.load_prices()).render()}")
    if problem := run.problem():
        raise terminal.UserError(problem)


def source_of(cloud: Cloud, stack: Stack, arguments: argparse.Namespace) -> ImageSource:
    """Return the images that the options ask for."""
    s3 = cloud.client("s3")
    pictures = source.known_classes(
        s3, stack.bucket, arguments.dataset, arguments.folder, arguments.drawn
    )
    if arguments.drift == changes.OTHER_CLASSES:
        drawn = isinstance(pictures, source.Drawn)
        pictures = source.other_classes(pictures.classes, drawn)
    return ImageSource(arguments.seed, pictures, arguments.bad, arguments.drift)


def _write_json(path: Path, content: dict) -> None:
    try:
        path.write_text(json.dumps(content, indent=2) + "\n")
    except OSError as error:
        raise terminal.UserError(f"Cannot write {path}: {error.strerror}.") from error


def _parser() -> argparse.ArgumentParser:
    parts = {"stream": (_stream_parser(), run_stream), "bulk": (_bulk_parser(), run_bulk)}
    return terminal.parser_of(
        "generate", "Make load: photos as they might arrive, and what became of them.", parts
    )


def _add_images(group: argparse._ArgumentGroup) -> None:
    origin = group.add_mutually_exclusive_group()
    origin.add_argument(
        "--dataset",
        metavar="NAME",
        help="test photos of this dataset (default: the newest; without one, drawings)",
    )
    origin.add_argument(
        "--folder", type=Path, metavar="PATH", help="photos of your own: a sub-folder a class"
    )
    origin.add_argument("--drawn", action="store_true", help="drawn bicycles and motorcycles")
    group.add_argument(
        "--bad",
        type=terminal.number(0, 1),
        default=0.0,
        metavar="SHARE",
        help="share of files that are no photos, of every kind (default: none)",
    )
    group.add_argument("--drift", choices=changes.DRIFTS, help="what the model did not learn from")
    group.add_argument(
        "--seed",
        type=terminal.whole(0),
        default=0,
        metavar="N",
        help="the same seed gives the same images at the same times (default: %(default)s)",
    )


def _stream_parser() -> argparse.ArgumentParser:
    parser = terminal.parser(
        "generate stream",
        "Send images one by one, at random times.",
        "--rate 20 --duration 60 --bad 0.05",
    )
    _add_images(parser.add_argument_group("images"))
    parser.add_argument(
        "--rate",
        type=terminal.number(0.01, 1000),
        default=20.0,
        metavar="R",
        help="images a second, on average (default: %(default)g)",
    )
    parser.add_argument(
        "--duration",
        type=terminal.number(1, 86_400),
        default=60.0,
        metavar="S",
        help="for so many seconds (default: %(default)g)",
    )
    parser.add_argument(
        "--to",
        choices=stream.PREFIXES,
        default=stream.INCOMING,
        help="upload below incoming/, or call classify for each (default: %(default)s)",
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write the report, and a record an image"
    )
    return parser


def _bulk_parser() -> argparse.ArgumentParser:
    parser = terminal.parser(
        "generate bulk", "Classify many images in one run of classifyBulk.", "--images 2000"
    )
    _add_images(parser.add_argument_group("images"))
    parser.add_argument(
        "--images", type=terminal.whole(1), required=True, metavar="N", help="how many"
    )
    return parser


if __name__ == "__main__":
    terminal.run(main)
