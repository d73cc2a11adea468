"""The whole job on this machine: every step is one of the README's commands, on the local cloud."""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Collection
from pathlib import Path

from scripts import cli, config, dataset, table
from scripts.cloud import Cloud, find_stack
from scripts.hosting import Hosting
from scripts.monitoring.telling import EXIT_CODES

STAGE = "dev"
BATCH = config.ROOT / "batch.json"
SUMMARY = config.ROOT / "build" / "demo.json"
PYTHON = "python"
REPORT = config.ROOT / "build" / "monitoring" / "report.html"
STEPS = 9
ROWS_SHOWN = 6


def main(argv: list[str] | None) -> None:
    """Run `python -m scripts.demo`."""
    arguments = _parser().parse_args(argv)
    port = [] if arguments.port is None else ["--port", str(arguments.port)]
    began = time.monotonic()
    steps = Steps()
    steps.run("cloud", "Start the local cloud", PYTHON, "-m", "local", "up", *port)
    point_at_local_cloud(port)
    steps.run("deploy", "Deploy the service", "npx", "sls", "deploy")
    steps.run("etl", "Fetch and split the photos", PYTHON, "-m", "scripts.etl")

    cloud = Cloud()
    stack = find_stack(cloud, STAGE)
    hosting = Hosting(cloud.client("sagemaker"), config.service_name(STAGE), stack.endpoint)
    s3 = cloud.client("s3")
    data = dataset.find(s3, stack.bucket)
    job = hosting.served_job()
    if job is not None and dataset.is_trained_on(s3, stack.bucket, data["name"], job):
        steps.skip("train", "Train the model", f"{job['TrainingJobName']} is there")
        steps.skip("endpoint", "Deploy the endpoint", f"{stack.endpoint} serves it")
    else:
        steps.run("train", "Train the model", PYTHON, "-m", "scripts.train")
        steps.run("endpoint", "Deploy the endpoint", PYTHON, "-m", "scripts.deploy_endpoint")
        job = hosting.served_job()

    invoke = ("npx", "sls", "invoke", "stepf", "--name", "classify", "--data", BATCH.name)
    execution = json.loads(steps.capture("classify", "Classify a batch", *invoke))
    output = json.loads(execution["output"])
    print(results_table(output["results"][:ROWS_SHOWN]))

    photos = f"s3://{stack.bucket}/{dataset.ROOT}{data['name']}/images/test/"
    bulk = (PYTHON, "-m", "scripts.bulk", "submit", photos, "--wait")
    steps.run("bulk", "Classify all test photos in one run", *bulk)
    monitor = (PYTHON, "-m", "scripts.monitor")
    steps.run("baseline", "Note what the model is used to", *monitor, "baseline")
    report = (*monitor, "report", "--output", str(REPORT.parent.relative_to(config.ROOT)))
    steps.run("report", "Report on what the endpoint saw", *report, accept=EXIT_CODES.values())
    metrics = {item["MetricName"]: item["Value"] for item in job["FinalMetricDataList"]}
    summary = {
        "dataset": data["name"],
        "classes": data["classes"],
        "accuracy": metrics["test_accuracy"],
        "endpoint": stack.endpoint,
        "executionArn": execution["executionArn"],
        "counts": output["counts"],
        "monitoring": json.loads(REPORT.with_suffix(".json").read_text())["status"],
        "seconds": steps.seconds,
    }
    write_summary(summary)
    print(closing(summary, data, cloud.address, stack.bucket, port, time.monotonic() - began))


class Steps:
    """Runs the demo's steps one after another; `seconds` holds how long each took."""

    def __init__(self):
        self.seconds: dict[str, float] = {}
        self._number = 0

    def run(self, name: str, title: str, *command: str, accept: Collection[int] = (0,)) -> None:
        """Run a command that writes to the terminal itself and ends with a code to `accept`."""
        self._run(name, title, command, None, accept)

    def capture(self, name: str, title: str, *command: str) -> str:
        """Run a command and return what it wrote to stdout."""
        return self._run(name, title, command, subprocess.PIPE, (0,)).stdout

    def skip(self, name: str, title: str, reason: str) -> None:
        """Count a step whose work is done already."""
        self._announce(title)
        print(reason, flush=True)
        self.seconds[name] = 0.0

    def _run(
        self,
        name: str,
        title: str,
        command: tuple[str, ...],
        stdout: int | None,
        accept: Collection[int],
    ) -> subprocess.CompletedProcess:
        self._announce(title)
        print(f"$ {' '.join(command)}", flush=True)
        began = time.monotonic()
        program = [sys.executable if command[0] == PYTHON else command[0], *command[1:]]
        done = subprocess.run(program, cwd=config.ROOT, stdout=stdout, text=True)  # noqa: S603
        self.seconds[name] = round(time.monotonic() - began, 1)
        if done.returncode not in accept:
            raise cli.UserError(f"The demo ends here: `{' '.join(command)}` failed, see above.")
        return done

    def _announce(self, title: str) -> None:
        self._number += 1
        print(f"\n── {self._number}/{STEPS}  {title} ".ljust(78, "─"), flush=True)


def point_at_local_cloud(port: list[str]) -> None:
    """Make this process's environment the local cloud's: no variable that names AWS survives."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    script = f'eval "$("$0" -m local env {" ".join(port)})" && env -0'
    said = subprocess.run(  # noqa: S603
        ["bash", "-c", script, sys.executable],  # noqa: S607
        cwd=config.ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    os.environ.clear()
    os.environ.update(entry.split("=", 1) for entry in said.split("\0") if entry)


def write_summary(summary: dict) -> None:
    """Write build/demo.json."""
    SUMMARY.parent.mkdir(exist_ok=True)
    SUMMARY.write_text(json.dumps(summary, indent=2) + "\n")


def results_table(results: list[dict]) -> str:
    """Return the first results of the batch as a table."""
    rows = [
        (Path(r["s3_key"]).name, r["status"], r["label"], f"{r['confidence']:.4f}")
        for r in results
        if r["status"] != "failed"
    ]
    return table.render(("photo", "status", "label", "confidence"), rows, right=(3,)) + "\n…"


def closing(
    summary: dict, data: dict, address: str, bucket: str, port: list[str], seconds: float
) -> str:
    """Return the demo's last words: what it did, and how to go on."""
    counts = summary["counts"]
    test_photos = sum(data["counts"]["test"].values())
    rows = {
        "Photos": f"{', '.join(summary['classes'])}, from {data['origin']}",
        "Accuracy": f"{summary['accuracy']:.4f} on {test_photos} test photos",
        "Endpoint": summary["endpoint"],
        "Execution": summary["executionArn"],
        "Batch": f"{counts['submitted']} photos: {counts['accepted']} accepted, "
        f"{counts['review']} in review, {counts['failed']} failed",
        "Monitoring": f"{summary['monitoring']}: {REPORT.relative_to(config.ROOT)}",
        "Seconds": ", ".join(f"{step} {took:g}" for step, took in summary["seconds"].items()),
        "Summary": str(SUMMARY.relative_to(config.ROOT)),
    }
    local = " ".join(["python -m local {}", *port])
    photos = f"s3://{bucket}/{dataset.ROOT}{data['name']}/images/test/{data['classes'][0]}/"
    lines = [
        "",
        f"Done in {seconds:.0f} s, on this machine alone.",
        "",
        *(f"  {label:<{cli.LABEL_WIDTH}}{text}" for label, text in rows.items()),
        "",
        f"The local cloud stays up at {address}. To look around:",
        "",
        "  source .venv/bin/activate",
        f'  eval "$({local.format("env")})"',
        f"  npx sls invoke stepf --name classify --data {BATCH.name}",
        f"  python -m scripts.predict {photos}",
        f"  python -m scripts.bulk results --stage {STAGE}",
        f"  python -m scripts.cost run {summary['executionArn'].rpartition(':')[2]}",
        f"  python -m scripts.execution_graph {summary['executionArn'].rpartition(':')[2]}",
        "",
        f"To stop it: {local.format('down')}",
    ]
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.demo", description="The whole job on the local cloud."
    )
    parser.add_argument("--port", type=cli.whole(1), help="the local cloud's port (default: 4566)")
    return parser


if __name__ == "__main__":
    cli.run(main)
