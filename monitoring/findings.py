"""What a monitoring report says: plain data, without any reading, drawing or sending."""

from dataclasses import dataclass

from monitoring.files import Span

HEALTHY = "healthy"
VIOLATION = "violation"
NOT_ENOUGH_DATA = "not enough data"


@dataclass(frozen=True)
class Drift:
    """How far one property of the current photos lies from the baseline's.

    `band` is the null band of `effect`: where it lies if both come from the same source, by
    permutation. `baseline` and `current` count photos. Labels and embeddings have no mean.
    """

    name: str
    effect: float
    unit: str
    band: tuple[float, float]
    p_value: float
    baseline: int
    current: int
    violated: bool
    baseline_mean: float | None = None
    current_mean: float | None = None

    @property
    def title(self) -> str:
        """What people read for the name."""
        return title(self.name)

    @property
    def verdict(self) -> str:
        """What the drift is called."""
        if self.violated:
            return "violation"
        # Effects are distances: what moved less than chance would move it has not drifted.
        return "as usual" if self.effect <= self.band[1] else "above, tolerated"


def title(name: str) -> str:
    """Return what people read for the name of a property or of a bound."""
    return {"label": "label mix"}.get(name, name.replace("_", " "))


@dataclass(frozen=True)
class Accuracy:
    """Accuracy as the confidences promise it, and as ground truth shows it, where there is any.

    `expected_labelled` is the promise for the labelled photos alone, which `true` is held against.
    """

    expected: float
    expected_low: float
    expected_high: float
    expected_baseline: float | None = None
    labelled: int = 0
    expected_labelled: float | None = None
    true: float | None = None
    true_low: float | None = None
    true_high: float | None = None


@dataclass(frozen=True)
class Violation:
    """What does not hold: a property that drifted, or `accuracy` or `review_share`."""

    name: str
    description: str


@dataclass(frozen=True)
class Report:
    """One span of captured photos against a baseline.

    images: how many photos. unreadable: records. reasons: why there is not enough data. notes: what
    a reader should know besides.
    """

    status: str  # HEALTHY, VIOLATION or NOT_ENOUGH_DATA
    span: Span
    endpoint: str
    images: int
    unreadable: int
    threshold: float
    share_accepted: float | None
    accuracy: Accuracy | None
    drifts: list[Drift]
    violations: list[Violation]
    reasons: list[str]
    notes: list[str]
