"""The amounts that AWS bills, and how it counts them."""

import math
from dataclasses import dataclass, field

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

# The model's answer about a photo: some 20 characters for each of two classes.
ANSWER_BYTES = 40

RESULT_FILES = 2  # of a run of classifyBulk: its results, and the manifest of ResultWriter


@dataclass(frozen=True)
class Function:
    """A function's invocations (`requests`) and the seconds that they took together."""

    requests: float
    seconds: float
    memory_mb: int
    architecture: str

    @property
    def gb_seconds(self) -> float:
        """Billed GB-seconds: rounding up to a millisecond adds half of one on average."""
        return (self.seconds + 0.0005 * self.requests) * self.memory_mb / 1024


@dataclass(frozen=True)
class Endpoint:
    """The endpoint's instances while photos were classified; they cost as much when idle."""

    type: str
    count: int
    seconds: float


@dataclass(frozen=True)
class Usage:
    """The amounts that photos use. They are whole in a run and may be fractions in a plan."""

    photos: int
    transitions: float = 0
    express_requests: float = 0
    express_gb_seconds: float = 0
    functions: dict[str, Function] = field(default_factory=dict)
    s3_gets: float = 0
    s3_puts: float = 0
    endpoint_gb: float = 0
    endpoint: Endpoint | None = None

    @property
    def log_gb(self) -> float:
        """The functions' lines in CloudWatch Logs, in GB (10^9 bytes)."""
        requests = sum(function.requests for function in self.functions.values())
        return requests * LOG_BYTES / 1e9


def express_gb_seconds(children: float, function_seconds: float) -> float:
    """Return billed GB-seconds of Express executions, from their functions' seconds together.

    An Express child has no history that holds its duration. It takes as long as its functions,
    rounded up to a step, and one step more for the time between them.
    """
    if not children:
        return 0
    steps = math.ceil(function_seconds / children / EXPRESS_STEP_SECONDS) + 1
    return children * steps * EXPRESS_STEP_SECONDS * EXPRESS_GB


def endpoint_gb(photos: float, size: int) -> float:
    """Return GB (10^9 bytes) into and out of the endpoint for photos of size x size pixels.

    Three bytes go in for each pixel; a PNG may be a little smaller.
    """
    return photos * (3 * size * size + ANSWER_BYTES) / 1e9
