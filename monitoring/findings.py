"""What a monitoring report says: plain data, without any reading, drawing or sending."""

from dataclasses import dataclass, field
from datetime import datetime

HEALTHY = "healthy"
VIOLATION = "violation"
NOT_ENOUGH_DATA = "not enough data"


@dataclass(frozen=True)
class Drift:
    """How far one property of the current images lies from the baseline's.

    `band` is the null band of `effect`: where it lies if both come from the same source, by
    permutation. `baseline` and `current` count images.
    """

    name: str
    group: str  # "confidence", "label mix", "feature" or "embedding"
    effect: float
    unit: str
    band: tuple[float, float]
    p_value: float
    baseline: int
    current: int
    violated: bool
    baseline_value: float | None = None
    current_value: float | None = None


def title(name: str) -> str:
    """Return what people read for a property's name."""
    return {"label": "label mix"}.get(name, name.replace("_", " "))


@dataclass(frozen=True)
class ReliabilityBin:
    """The labelled images whose confidence lies in one interval, and how many were right."""

    low: float
    high: float
    images: int
    confidence: float
    accuracy: float
    accuracy_low: float
    accuracy_high: float


@dataclass(frozen=True)
class Accuracy:
    """Accuracy as the confidences promise it, and as ground truth shows it, where there is any.

    `expected_labelled` is the promise for the labelled images alone, which `true` is held against.
    """

    expected: float
    expected_low: float
    expected_high: float
    true: float | None
    true_low: float | None
    true_high: float | None
    labelled: int
    expected_baseline: float | None = None
    expected_labelled: float | None = None
    calibration_error: float | None = None
    reliability: list[ReliabilityBin] = field(default_factory=list)


@dataclass(frozen=True)
class Violation:
    """One constraint that does not hold, with Model Monitor's three fields."""

    feature_name: str
    constraint_check_type: str
    description: str


@dataclass(frozen=True)
class Report:
    """One span of captured images against a baseline.

    reasons: why there is not enough data. notes: what a reader should know besides.
    """

    status: str  # HEALTHY, VIOLATION or NOT_ENOUGH_DATA
    reasons: list[str]
    since: datetime | None
    until: datetime | None
    images: int
    unreadable: int
    threshold: float
    drifts: list[Drift]
    accuracy: Accuracy | None
    share_accepted: float | None
    endpoint: str = ""
    violations: list[Violation] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
