"""Classify any number of photos in one run of `classifyBulk`: start it, watch it, gather it."""

import argparse
from contextlib import nullcontext
from pathlib import Path

from scripts.bulk import results, runs, submission, summary
from service import config, terminal
from service.stack import Cloud, Stack, find_stack


def main(argv: list[str] | None) -> None:
    """Run `python -m scripts.bulk`."""
    arguments = _parser().parse_args(argv)
    cloud = Cloud()
    arguments.act(cloud, find_stack(cloud, arguments.stage), arguments)


def submit(cloud: Cloud, stack: Stack, arguments: argparse.Namespace) -> None:
    """Start the run, unless it exists, and say which it is."""
    run = submission.submit(
        cloud,
        stack,
        arguments.source,
        threshold=arguments.threshold,
        batch_size=arguments.batch_size,
        tolerated_failure_percentage=arguments.tolerated_failure_percentage,
        again=arguments.again,
        keep_duplicates=arguments.keep_duplicates,
    )
    terminal.say("Images", f"{run.manifest.submitted:,} listed, {run.manifest.lines:,} to classify")
    sent = "sent" if run.manifest.sent else "was there"
    terminal.say("Manifest", f"s3://{stack.bucket}/{run.manifest.key} ({sent})")
    if run.existed:
        terminal.say("Run", f"{run.name} was submitted before: {run.status}")
        terminal.say("", "For another run of the same images: --again")
    if arguments.wait:
        _follow(cloud, run.execution_arn, arguments.stage)
    else:
        if not run.existed:
            terminal.say("Run", f"{run.name} is started")
        terminal.say("Next", summary.next_command(run.name, run.status, arguments.stage))


def status(cloud: Cloud, stack: Stack, arguments: argparse.Namespace) -> None:
    """Say how far the run is, or how it ended."""
    states = cloud.client("stepfunctions")
    execution = runs.find(states, stack.bulk_state_machine, arguments.run)
    if arguments.follow:
        _follow(cloud, execution["executionArn"], arguments.stage)
    else:
        _show(states, execution, arguments.stage)


def gather(cloud: Cloud, stack: Stack, arguments: argparse.Namespace) -> None:
    """Gather the results into a file, if one is named, and print what they add up to."""
    execution = runs.find(cloud.client("stepfunctions"), stack.bulk_state_machine, arguments.run)
    path = arguments.output
    with nullcontext() if path is None else results.written(path) as write:
        counts = results.gather(cloud, stack, execution, write)
    terminal.say("Run", f"{execution['name']}, {execution['status']}")
    print(f"\n{summary.report(counts)}\n")
    if path is not None:
        terminal.say("Written", f"{path}, {counts.lines:,} images")


def _follow(cloud: Cloud, execution_arn: str, stage: str) -> None:
    states = cloud.client("stepfunctions")
    execution = runs.wait(states, execution_arn)
    _show(states, execution, stage)
    if execution["status"] != "SUCCEEDED":
        raise terminal.UserError(
            f"The run {execution['name']} ended {execution['status']}, see above."
        )


def _show(states, execution: dict, stage: str) -> None:
    map_run = runs.map_run_of(states, execution["executionArn"])
    how_far = None if map_run is None else runs.progress_of(states, map_run)
    for label, text in summary.status_lines(execution, how_far, stage):
        terminal.say(label, text)


def _parser() -> argparse.ArgumentParser:
    parts = {
        "submit": (_submit_parser(), submit),
        "status": (_status_parser(), status),
        "results": (_results_parser(), gather),
    }
    return terminal.parser_of("bulk", "Classify any number of photos in one run.", parts)


def _submit_parser() -> argparse.ArgumentParser:
    parser = terminal.parser(
        "bulk submit",
        "Start a run; the same images with the same options are the same run.",
        "s3://bucket/photos/ --wait",
    )
    most = config.load()["bulk"]["batch_size"]
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="s3://bucket/prefix, a manifest.jsonl (here or in S3), or a folder of photos",
    )
    parser.add_argument(
        "--threshold",
        type=terminal.number(0, 1),
        metavar="P",
        help="confidence below which an image goes to review (default: config.yml's)",
    )
    parser.add_argument(
        "--batch-size",
        type=terminal.whole(1, most),
        metavar="N",
        help=f"images that a function does at once, up to {most} (the default)",
    )
    parser.add_argument(
        "--tolerated-failure-percentage",
        type=terminal.number(0, 100),
        metavar="P",
        help="so many of the images may fail before the run does (default: config.yml's)",
    )
    parser.add_argument("--again", action="store_true", help="another run of the same images")
    parser.add_argument(
        "--keep-duplicates",
        action="store_true",
        help="classify an image as often as it is listed (default: once)",
    )
    parser.add_argument("--wait", action="store_true", help="wait until the run ends")
    return parser


def _status_parser() -> argparse.ArgumentParser:
    parser = terminal.parser("bulk status", "Tell how far a run is, or how it ended.", "--follow")
    _add_run(parser)
    parser.add_argument("--follow", action="store_true", help="wait until it ends")
    return parser


def _results_parser() -> argparse.ArgumentParser:
    parser = terminal.parser(
        "bulk results",
        "Count the results of a run, and write them to a file.",
        "--output results.csv",
    )
    _add_run(parser)
    parser.add_argument(
        "--output", type=_output, metavar="FILE", help="results.jsonl or results.csv"
    )
    return parser


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "run", nargs="?", metavar="RUN", help="its name or ARN (default: the newest)"
    )


def _output(text: str) -> Path:
    path = Path(text)
    if path.suffix not in results.SUFFIXES:
        wanted = " nor ".join(results.SUFFIXES)
        raise argparse.ArgumentTypeError(f"{text!r} ends in neither {wanted}")
    return path


if __name__ == "__main__":
    terminal.run(main)
