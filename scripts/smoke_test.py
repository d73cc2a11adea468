"""Send a photo of each class and a bad one through `classify`, and check how each ends.

A photo must end accepted or in review, whatever its label, and the bad one fail by its error's
name. Without an endpoint the photos must fail as EndpointNotFound; without a dataset a grey picture
stands for them.
"""

import json
import time
from collections import Counter
from dataclasses import dataclass
from functools import partial

from handlers.errors import EndpointNotFound
from handlers.outcomes import FAILED, LABELLED
from scripts.bulk.runs import format_failure
from scripts.generate.bad_images import KINDS
from service import config, datasets, options, stack, terminal
from service.hosting import Hosting
from service.keys import GENERATED
from service.labelled_images import grey_picture
from service.stack import Cloud, find_stack
from service.terminal import UserError, print_line

FOLDER = f"{GENERATED}smoke-test/"
BAD = "text"
# Longer than all attempts of a photo's three tasks, so that an execution says itself what is wrong.
LONGEST_WAIT_SECONDS = 1200
POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Photo:
    """What a photo shows, its key, and the ways in which it may end: statuses, errors by name."""

    name: str
    key: str
    endings: tuple[str, ...]


@terminal.command("smoke_test", example="--stage production")
@options.stage
def main(stage):
    """Check that a stage classifies: a photo of each class, and a bad one."""
    cloud = Cloud()
    deployed = find_stack(cloud, stage)
    print_line("Stage", f"{stage}, {cloud}")
    has_endpoint = Hosting(cloud.client("sagemaker"), deployed.endpoint).settle() is not None
    photos = choose_photos(cloud.client("s3"), deployed.bucket, has_endpoint)
    if not has_endpoint:
        terminal.warn(
            "Not checked: the model's answers and filterLowConfidence, as there is no endpoint. "
            f"Deploy one: python -m scripts.deploy_endpoint{options.stage_hint(stage)}"
        )
    execution = classify(cloud.client("stepfunctions"), deployed.state_machine, photos)
    if wrong := find_wrong(photos, execution):
        raise UserError(
            f"{stage} does not classify as it should: {'; '.join(wrong)}. "
            f"See: python -m scripts.execution_graph {execution['name']}{options.stage_hint(stage)}"
        )
    print_line("Took", terminal.duration(stack.elapsed_seconds(execution)))


def choose_photos(s3, bucket: str, has_endpoint: bool) -> list[Photo]:
    """Return a test photo of each class or a grey picture, and a bad one; put the last two."""
    put = partial(s3.put_object, Bucket=bucket, ContentType="image/png")
    endings = LABELLED if has_endpoint else (EndpointNotFound.__name__,)
    size = config.load()["image"]["size"]
    dataset, found = datasets.find_test_photos(s3, bucket, size)
    if found:
        print_line("Photos", f"test photos of {dataset}")
    else:
        terminal.warn(f"Not checked: photos of each class, as {bucket} has no dataset with some.")
        found = {"grey picture": f"{FOLDER}grey.png"}
        put(Key=found["grey picture"], Body=grey_picture(size))
    bad = Photo(f"{BAD} file", f"{FOLDER}{BAD}.png", (KINDS[BAD].error,))
    put(Key=bad.key, Body=KINDS[BAD].make(None))
    return [*(Photo(name, key, endings) for name, key in found.items()), bad]


def classify(states, state_machine: str, photos: list[Photo]) -> dict:
    """Return DescribeExecution's answer once an execution has ended. UserError if it does not."""
    batch = {"images": [{"s3_key": photo.key} for photo in photos]}
    name, arn = stack.start_execution(states, state_machine, "smoke-test", batch)
    print_line("Execution", name)
    deadline = time.monotonic() + LONGEST_WAIT_SECONDS
    while time.monotonic() < deadline:
        execution = states.describe_execution(executionArn=arn)
        if execution["status"] != "RUNNING":
            return execution
        time.sleep(POLL_SECONDS)
    raise UserError(f"{name} has not ended in {terminal.duration(LONGEST_WAIT_SECONDS)}.")


def find_wrong(photos: list[Photo], execution: dict) -> list[str]:
    """Print how each photo ended, and return what is wrong with that; nothing where all is well."""
    if execution["status"] == "SUCCEEDED":
        output = json.loads(execution["output"])
        names = [photo.name for photo in photos]
        terminal.show(terminal.results_table(zip(names, output["results"], strict=True)))
        wrong = [
            f"{photo.key} ended as {ending(result)} ({result.get('cause', 'no cause')}), not as "
            f"{' or '.join(photo.endings)}"
            for photo, result in zip(photos, output["results"], strict=True)
            if ending(result) not in photo.endings
        ]
        if "not_published" in output:
            wrong.append(f"people were not notified of the bad photo ({output['not_published']})")
        return wrong
    if execution.get("error") != "BatchFailed":
        return [f"the execution ended as {execution['status']} ({format_failure(execution)})"]
    # All photos failed, of which the cause has the counts alone.
    cause = json.loads(execution["cause"])
    counts = Counter(cause["errors"])
    ended = ", ".join(f"{count} as {error}" for error, count in counts.items())
    print_line("Ended", ended)
    expected = Counter(photo.endings[0] for photo in photos)
    return [] if counts == expected else [f"all failed, {ended}: {cause['first']['cause']}"]


def ending(result: dict) -> str:
    """Return a result's status, or the error of one that failed."""
    return result["error"] if result["status"] == FAILED else result["status"]


if __name__ == "__main__":
    terminal.run(main)
