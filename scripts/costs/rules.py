"""How AWS counts what it bills, and the sizes of what this service sends."""

import math

# The pricing page's examples count a workflow's start and its end beside the states between them.
# https://aws.amazon.com/step-functions/pricing/
ENDS = 2

# A function's invocation as JSON in CloudWatch Logs: the service's own line, Lambda's
# platform.start and platform.report, and the 26 bytes that ingestion adds to each.
LOG_BYTES = 1_300

# An Express execution uses 50 MB, its definition, and its data once for each state that has it; it
# is billed in steps of 64 MB and 100 ms. The definition and four times 256 KiB stay below 14 MB.
EXPRESS_GB = 64 / 1024
EXPRESS_STEP_SECONDS = 0.1

# The model's answer about an image: some 20 characters for each of two classes.
ANSWER_BYTES = 40


def express_gb_seconds(children: float, function_seconds: float) -> float:
    """Return billed GB-seconds of Express executions whose functions took so long altogether.

    An Express child has no history to read its duration from. It lasts as long as its functions,
    rounded up to a step, and one step more for what lies between them.
    """
    if not children:
        return 0
    steps = math.ceil(function_seconds / children / EXPRESS_STEP_SECONDS) + 1
    return children * steps * EXPRESS_STEP_SECONDS * EXPRESS_GB


def endpoint_gb(images: float, size: int) -> float:
    """Return GB (10^9 bytes) into and out of the endpoint for images of size x size pixels.

    In go three bytes a pixel; a PNG may be a little smaller.
    """
    return images * (3 * size * size + ANSWER_BYTES) / 1e9
