"""Any number of images as one run of `classifyBulk`: how fast it was, and what it cost."""

from dataclasses import dataclass

from handlers.outcomes import STATUSES
from scripts.bulk import results, runs
from scripts.generate.source import CONTENT_TYPE, ImageSource
from service import storage, terminal
from service.keys import GENERATED
from service.stack import Cloud, Stack

NAMED_AT_MOST = 3


@dataclass(frozen=True)
class Run:
    """A run that ended. wrong: the images that did not end as they should, as lines that say how.

    execution: what DescribeExecution says; counts: images by status, as `classifyBulk` counts.
    """

    execution: dict
    counts: dict[str, int]
    wrong: list[str]

    @property
    def seconds(self) -> float:
        """How long the run took by the cloud's clock."""
        return (self.execution["stopDate"] - self.execution["startDate"]).total_seconds()

    def problem(self) -> str | None:
        """Return what is wrong with the results, or None."""
        if not self.wrong:
            return None
        shown = "; ".join(self.wrong[:NAMED_AT_MOST])
        return f"{len(self.wrong):,} images were not answered as they should be: {shown}."


def run(cloud: Cloud, stack: Stack, source: ImageSource, count: int) -> Run:
    """Upload images 0 to `count` - 1 unless they are there, classify them, and check the results.

    Raises UserError where the run fails, or has no result for an image.
    """
    prefix = f"{GENERATED}{source.seed}-{source.digest()}-{count}/"
    terminal.say("Images", f"{count:,}: {source.told()}")
    s3 = cloud.client("s3", connections=storage.THREADS)
    errors = {}
    uploads = []
    for number in range(count):
        image = source[number]
        errors[prefix + image.name] = image.error
        uploads.append(storage.Upload(prefix + image.name, image.make, CONTENT_TYPE))
    summary = storage.mirror(s3, stack.bucket, prefix, uploads)
    terminal.say("Objects", f"{summary.sent:,} sent, {summary.kept:,} there already")
    terminal.say("Keys", f"s3://{stack.bucket}/{prefix}")
    submitted = runs.submit(
        cloud,
        stack,
        f"s3://{stack.bucket}/{prefix}",
        # Which images should fail is known here, and checked below.
        tolerated_failure_percentage=100,
    )
    terminal.say("Run", submitted.name)
    execution = runs.wait(cloud.client("stepfunctions"), submitted.execution_arn)
    if execution["status"] != "SUCCEEDED":
        reason = f"{execution.get('error', '')}: {execution.get('cause', '')}".strip(": ")
        raise terminal.UserError(
            f"The run {submitted.name} ended {execution['status']}. "
            f"{terminal.one_line(reason, 300)}"
        )
    wrong: list[str] = []
    counts = results.gather(
        cloud, stack, execution, lambda result: _check(result, errors[result["s3_key"]], wrong)
    )
    ended = {status: counts.statuses[status] for status in STATUSES}
    return Run(execution, {"submitted": counts.submitted, **ended}, wrong)


def _check(result: dict, error: str | None, wrong: list[str]) -> None:
    if result.get("error") != error:
        became = result.get("error") or result["status"]
        wrong.append(f"{result['s3_key']} ended {became}, not {error or 'classified'}")
