"""The whole job on this machine: every step is one of the README's commands, on the local cloud."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from pathlib import Path

import click

from monitoring.assessment import EXIT_CODES
from service import config, datasets, jobs, keys, terminal
from service.hosting import Hosting
from service.stack import Cloud, find_stack, require_loopback
from setup.environment import clean, lock

STAGE = "dev"
PORT = 4566
BATCH = config.ROOT / "batch.json"
SUMMARY = config.ROOT / "build" / "demo.json"
REPORT = config.ROOT / "build" / "monitoring" / "report.html"
# The programs by path: the `sls` on the PATH may be another project's.
PROGRAMS = {"python": sys.executable, "sls": str(config.ROOT / "node_modules" / ".bin" / "sls")}
PYTHON, SLS = PROGRAMS
STEPS = 9
FIRST_ROWS = 4

# The recipe sees each photo ten times, which takes minutes with thousands of them.
MANY_PHOTOS = 5000
FEWER_EPOCHS = 2


@terminal.command("demo", example="--port 4570")
@click.option("--port", type=click.IntRange(1, 65535), default=PORT, help="the local cloud's port")
@click.option(
    "--epochs",
    type=click.IntRange(1, 10_000),
    help="passes over the photos in training (default: as many as the model needs)",
)
def main(port, epochs):
    """The whole job on the local cloud."""
    with lock("demo", refuse_another):
        environment = read_environment(port)  # of this process and of those that it starts
        os.environ.clear()
        os.environ.update(environment)
        try:
            run(port, epochs)
        except terminal.UserError as error:
            raise terminal.UserError(f"{error} {describe_rest(port)}") from error
        except KeyboardInterrupt:
            raise terminal.Interrupted(f"Interrupted. {describe_rest(port)}") from None


def run(port: int, epochs: int | None) -> None:
    """Do the whole job; a step that is done already is skipped."""
    steps = Steps()
    own_port = [] if port == PORT else ["--port", str(port)]
    began = time.monotonic()
    steps.run("cloud", "Start the local cloud", PYTHON, "-m", "local", "up", *own_port)
    require_loopback(os.environ.get("AWS_ENDPOINT_URL"))
    steps.run("deploy", "Deploy the service", SLS, "deploy")
    cloud = Cloud()
    stack = find_stack(cloud, STAGE)
    steps.run("etl", "Fetch and split the photos", PYTHON, "-m", "scripts.etl")

    hosting = Hosting(cloud.client("sagemaker"), stack.endpoint)
    s3 = cloud.client("s3")
    data = datasets.find(s3, stack.bucket)

    def find_job(status: str) -> dict | None:
        for job in hosting.jobs(status, stack.bucket):
            if datasets.is_trained_on(s3, stack.bucket, data["name"], job):
                return job
        return None

    if job := find_job("InProgress"):
        with steps.step("train", "Train the model"):
            print(f"{job['TrainingJobName']} runs already", flush=True)
            jobs.report(jobs.follow(cloud, job["TrainingJobName"]))
    elif job := find_job("Completed"):
        steps.skip("train", "Train the model", f"{job['TrainingJobName']} is there")
    else:
        if epochs is None and sum(data["counts"]["train"].values()) > MANY_PHOTOS:
            epochs = FEWER_EPOCHS
        passes = ("--epochs", str(epochs)) if epochs else ()
        steps.run("train", "Train the model", PYTHON, "-m", "scripts.train", *passes)
    job = find_job("Completed")
    if hosting.served_model() == job["ModelArtifacts"]["S3ModelArtifacts"]:
        steps.skip("endpoint", "Deploy the endpoint", f"{stack.endpoint} serves it")
    else:
        steps.run("endpoint", "Deploy the endpoint", PYTHON, "-m", "scripts.deploy_endpoint")

    invoke = (SLS, "invoke", "stepf", "--name", "classify", "--data", BATCH.name)
    execution = json.loads(steps.run("classify", "Classify a batch", *invoke, capture=True))
    output = execution["output"]
    print_results(output["results"])

    photos = f"s3://{stack.bucket}/{keys.DATASETS}{data['name']}/images/test/"
    bulk = (PYTHON, "-m", "scripts.bulk", "submit", photos, "--wait")
    steps.run("bulk", "Classify all test photos in one run", *bulk)
    monitor = (PYTHON, "-m", "scripts.monitor")
    steps.run("baseline", "Make the baseline of monitoring", *monitor, "baseline")
    report = (*monitor, "report", "--output", str(REPORT.parent.relative_to(config.ROOT)))
    steps.run("report", "Report on the endpoint's photos", *report, accept=EXIT_CODES.values())
    metrics = {item["MetricName"]: item["Value"] for item in job["FinalMetricDataList"]}
    summary = {
        "dataset": data["name"],
        "classes": data["classes"],
        "accuracy": metrics["test_accuracy"],
        "endpoint": stack.endpoint,
        "executionArn": execution["executionArn"],
        "counts": output["counts"],
        "results": output["results"],
        "monitoring": json.loads(REPORT.with_suffix(".json").read_text())["status"],
        "seconds": steps.seconds,
    }
    SUMMARY.parent.mkdir(exist_ok=True)
    SUMMARY.write_text(json.dumps(summary, indent=2) + "\n")
    print(f"\nDone in {time.monotonic() - began:.0f} s, on this machine alone.\n")
    print_summary(summary, data)
    print_next_commands(summary, data, stack.bucket, own_port)


def refuse_another() -> None:
    """Raise UserError: two demos in this folder would share cloud and files."""
    raise terminal.UserError(
        "Another demo runs in this folder. Wait until it has ended; this one would then start from "
        "what is there."
    )


def read_environment(port: int) -> dict[str, str]:
    """Return the environment of a command that uses the local cloud on that port."""
    process = local("env", port, "--json")
    if process.returncode:
        raise terminal.UserError(f"`python -m local env` failed: {process.stderr.strip()}")
    variables = json.loads(process.stdout)
    return clean() | {name: value for name, value in variables.items() if value is not None}


def local(command: str, port: int, *options: str) -> subprocess.CompletedProcess:
    """Run `python -m local` and capture its output."""
    program = [sys.executable, "-m", "local", command, "--port", str(port), *options]
    return subprocess.run(program, cwd=config.ROOT, capture_output=True, text=True)  # noqa: S603


def describe_rest(port: int) -> str:
    """Return whether the local cloud still runs after a demo that failed, and how to go on."""
    if local("status", port).returncode:
        return "Nothing of it is left running."
    own_port = "" if port == PORT else f" PORT={port}"
    return (
        f"The local cloud at {os.environ['AWS_ENDPOINT_URL']} stays up, and its jobs go on: "
        f"make demo{own_port} goes on from there; make clean ends it."
    )


class Steps:
    """Runs the demo's steps one after another; `seconds` holds the time of each."""

    def __init__(self):
        self.seconds: dict[str, float] = {}
        self._number = 0

    @contextlib.contextmanager
    def step(self, name: str, title: str) -> Iterator[None]:
        """Print a step's title, and time the block."""
        self._number += 1
        print(f"\n── {self._number}/{STEPS}  {title} ".ljust(78, "─"), flush=True)
        began = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = round(time.monotonic() - began, 1)

    def skip(self, name: str, title: str, reason: str) -> None:
        """Print why a step is not needed."""
        with self.step(name, title):
            print(reason, flush=True)

    def run(
        self,
        name: str,
        title: str,
        *command: str,
        accept: Collection[int] = (0,),
        capture: bool = False,
    ) -> str:
        """Run a command that ends with a code to `accept`; return its output if captured."""
        with self.step(name, title):
            print(f"$ {' '.join(command)}", flush=True)
            process = subprocess.run(  # noqa: S603
                [PROGRAMS[command[0]], *command[1:]],
                cwd=config.ROOT,
                stdout=subprocess.PIPE if capture else None,
                text=True,
            )
        output = process.stdout or ""
        if process.returncode not in accept:
            print(output, end="", flush=True)
            raise terminal.UserError(
                f"The demo ends here: `{' '.join(command)}` failed, see above."
            )
        return output


def print_results(results: list[dict]) -> None:
    """Print the first results and the last two, a stranger and a bad file, as a table."""
    rows = [("/".join(Path(result["s3_key"]).parts[-2:]), result) for result in results]
    rows[FIRST_ROWS:-2] = [("…", {"status": ""})]
    terminal.show(terminal.results_table(rows))


def print_summary(summary: dict, data: dict) -> None:
    """Print the results of the steps."""
    counts = summary["counts"]
    test_photos = sum(data["counts"]["test"].values())
    seconds = ", ".join(f"{step} {took:g}" for step, took in summary["seconds"].items())
    for label, text in {
        "Photos": f"{', '.join(summary['classes'])}, from {data['origin']}",
        "Accuracy": f"{summary['accuracy']:.4f} on {test_photos} test photos",
        "Endpoint": summary["endpoint"],
        "Execution": summary["executionArn"],
        "Batch": f"{counts['submitted']} photos: {terminal.format_counts(counts)}",
        "Monitoring": f"{summary['monitoring']}: {REPORT.relative_to(config.ROOT)}",
        "Seconds": seconds,
        "Summary": SUMMARY.relative_to(config.ROOT),
    }.items():
        terminal.print_line(label, text)


def print_next_commands(summary: dict, data: dict, bucket: str, own_port: list[str]) -> None:
    """Print commands for looking around in the local cloud, and the one that stops it."""
    local_command = " ".join(["python -m local {}", *own_port])
    photos = f"s3://{bucket}/{keys.DATASETS}{data['name']}/images/test/{data['classes'][0]}/"
    execution = summary["executionArn"].rpartition(":")[2]
    print(f"""
The local cloud stays up at {os.environ["AWS_ENDPOINT_URL"]}. To look around:

  source .venv/bin/activate
  eval "$({local_command.format("env")})"
  sls invoke stepf --name classify --data {BATCH.name}
  python -m scripts.predict {photos}
  python -m scripts.bulk results
  python -m scripts.cost run {execution}
  python -m scripts.execution_graph {execution}

To stop it: {local_command.format("down")}""")


if __name__ == "__main__":
    terminal.run(main)
