"""Generated photos as one run of `classifyBulk`: how long it took, how each ended, the bill."""

from datetime import UTC, datetime

from scripts.bulk import results, runs
from scripts.cost import bill
from scripts.cost.run import measure
from scripts.generate.photos import CONTENT_TYPE, PhotoSource, Problems
from service import storage, terminal
from service.keys import GENERATED
from service.stack import Cloud, Stack, elapsed_seconds


def run(cloud: Cloud, stack: Stack, source: PhotoSource, count: int) -> None:
    """Upload photos 0 to `count` - 1, classify them, and print how they ended and the bill.

    Raises UserError where the run fails, or a photo did not end as it should.
    """
    prefix = f"{GENERATED}bulk-{source.seed}-{datetime.now(UTC):%Y%m%d-%H%M%S}/"
    place = f"s3://{stack.bucket}/{prefix}"
    terminal.print_line("Photos", f"{count:,}: {source.describe()}")
    terminal.print_line("Keys", place)
    errors, uploads = {}, []
    for number in range(count):
        photo = source[number]
        errors[prefix + photo.name] = photo.error
        uploads.append(storage.Upload(prefix + photo.name, photo.make, CONTENT_TYPE))
    s3 = cloud.client("s3", connections=storage.THREADS)
    storage.mirror(s3, stack.bucket, prefix, uploads)
    # The results are checked below.
    bulk_run = runs.submit(cloud, stack, place, tolerated_failure_percentage=100)
    terminal.print_line("Run", bulk_run.name)
    execution = runs.wait(cloud.client("stepfunctions"), bulk_run.execution_arn)
    if execution["status"] != "SUCCEEDED":
        raise terminal.UserError(
            f"The run {bulk_run.name} ended {execution['status']}. {runs.format_failure(execution)}"
        )
    problems = Problems()
    counts = results.gather(
        cloud, stack, execution, lambda each: problems.check(each, errors[each["s3_key"]])
    )
    seconds = elapsed_seconds(execution)
    rate = f"{counts.submitted / seconds:,.0f} photos a second"
    terminal.print_line("Took", f"{terminal.duration(seconds)}, {rate}")
    statuses = terminal.format_counts(counts.statuses)
    terminal.print_line("Counts", f"{counts.submitted:,} submitted, {statuses}")
    print()
    terminal.show(bill.make_bill(measure(cloud, execution), bill.load_prices()).to_table())
    problems.raise_if_any()
