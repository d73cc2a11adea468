"""What is paid for, as amounts: those that a run used, or that a design would use."""

from dataclasses import dataclass, field

from scripts.costs import rules


@dataclass(frozen=True)
class Function:
    """Invocations of a function: how many, the time they took altogether, and on what."""

    requests: float
    seconds: float
    memory_mb: int
    architecture: str

    @property
    def gb_seconds(self) -> float:
        """Billed GB-seconds: each invocation is rounded up to a millisecond, by half of one."""
        return (self.seconds + 0.0005 * self.requests) * self.memory_mb / 1024


@dataclass(frozen=True)
class Instances:
    """Instances of a type for some time; `stand` if they cost whether they work or not."""

    type: str
    count: int
    seconds: float
    stand: bool


@dataclass(frozen=True)
class Usage:
    """What so many images used. Amounts are whole in a run and may be fractions in a plan."""

    images: int
    transitions: float = 0
    express_requests: float = 0
    express_gb_seconds: float = 0
    functions: dict[str, Function] = field(default_factory=dict)
    s3_gets: float = 0
    s3_puts: float = 0
    endpoint_gb: float = 0
    instances: Instances | None = None

    @property
    def log_gb(self) -> float:
        """What the functions write to CloudWatch Logs, in GB (10^9 bytes)."""
        requests = sum(function.requests for function in self.functions.values())
        return requests * rules.LOG_BYTES / 1e9
