"""SageMaker Model Monitor's files: statistics.json, constraints.json, constraint_violations.json.

Their schemas: docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-byoc-statistics.html,
-byoc-constraints.html and model-monitor-interpreting-violations.html. An embedding is a vector, of
which they know no statistics: it has a constraint alone. The report keeps to each property's
completeness, to its comparison threshold and to the label's domains; monitoring_config is there for
tools that read this form.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from monitoring import table
from monitoring.findings import Violation

STATISTICS = "statistics.json"
CONSTRAINTS = "constraints.json"
VIOLATIONS = "constraint_violations.json"

BUCKETS = 10  # as Model Monitor's own container makes
SKETCH_K = 2048
SKETCH_C = 0.64
# So much less complete than the baseline may images be: a few broken ones are no change.
COMPLETENESS_SLACK = 0.05


def statistics(frame: pd.DataFrame) -> dict:
    """Return statistics.json of the table's label, confidence and features."""
    numbers = ["confidence", *table.FEATURES]
    return {
        "version": 0,
        "dataset": {"item_count": len(frame)},
        "features": [
            *({"name": name, **_numerical(frame[name])} for name in numbers),
            {"name": "label", **_categorical(frame["label"])},
        ],
    }


def constraints(frame: pd.DataFrame, minimum_effects: Mapping[str, float]) -> dict:
    """Return constraints.json: what images like the table's keep to.

    minimum_effects: for each property that `drift` compares, the effect that matters. It becomes
    the property's own comparison threshold.
    """
    classes, _ = table.probabilities(frame)
    vectors = table.embeddings(frame)
    features = [
        {
            "name": name,
            "inferred_type": "Fractional",
            "completeness": _required(frame[name].notna()),
            "num_constraints": {"is_non_negative": bool(frame[name].min() >= 0)},
        }
        for name in ("confidence", *table.FEATURES)
    ]
    features.append(
        {
            "name": "label",
            "inferred_type": "String",
            "completeness": _required(frame["label"].notna()),
            "string_constraints": {"domains": classes or sorted(frame["label"].unique())},
        }
    )
    if vectors.shape[1]:
        present = pd.Series(np.isfinite(vectors).all(1))
        features.append(
            {
                "name": "embedding",
                "inferred_type": "Unknown",
                "completeness": _required(present),
            }
        )
    for feature in features:
        feature["monitoringConfigOverrides"] = {
            "distribution_constraints": {"comparison_threshold": minimum_effects[feature["name"]]}
        }
    return {
        "version": 0,
        "features": features,
        "monitoring_config": {
            "evaluate_constraints": "Enabled",
            "emit_metrics": "Enabled",
            "datatype_check_threshold": 0.1,
            "domain_content_threshold": 0.1,
            "distribution_constraints": {
                "perform_comparison": "Enabled",
                "comparison_threshold": 0.1,
                "comparison_method": "Robust",
                "categorical_comparison_threshold": 0.1,
                "categorical_drift_method": "LInfinity",
            },
        },
    }


def minimum_effects(given: dict) -> dict[str, float]:
    """Return each property's comparison threshold in a constraints.json."""
    return {
        feature["name"]: feature["monitoringConfigOverrides"]["distribution_constraints"][
            "comparison_threshold"
        ]
        for feature in given["features"]
    }


def completeness(given: dict) -> dict[str, float]:
    """Return the share of images of which each property must be known."""
    return {feature["name"]: feature["completeness"] for feature in given["features"]}


def violations(found: Iterable[Violation]) -> dict:
    """Return constraint_violations.json."""
    return {
        "violations": [
            {
                "feature_name": violation.feature_name,
                "constraint_check_type": violation.constraint_check_type,
                "description": violation.description,
            }
            for violation in found
        ]
    }


def _required(present: pd.Series) -> float:
    share = float(present.mean())
    return round(max(share - COMPLETENESS_SLACK, 0.0), 4)


def _common(column: pd.Series) -> dict:
    present = int(column.notna().sum())
    return {"num_present": present, "num_missing": len(column) - present}


def _categorical(column: pd.Series) -> dict:
    counts = column.value_counts().sort_index()
    buckets = [{"value": str(value), "count": int(count)} for value, count in counts.items()]
    return {
        "inferred_type": "String",
        "string_statistics": {
            "common": _common(column),
            "distinct_count": len(buckets),
            "distribution": {"categorical": {"buckets": buckets}},
        },
    }


def _numerical(column: pd.Series) -> dict:
    values = np.sort(column.dropna().to_numpy(dtype=np.float64))
    numbers = {"common": _common(column)}
    if len(values):
        numbers |= {
            "mean": float(values.mean()),
            "sum": float(values.sum()),
            "std_dev": float(values.std()),
            "min": float(values[0]),
            "max": float(values[-1]),
            "distribution": {"kll": {"buckets": _buckets(values), "sketch": _sketch(values)}},
        }
    return {"inferred_type": "Fractional", "numerical_statistics": numbers}


def _buckets(values: np.ndarray) -> list[dict]:
    counts, edges = np.histogram(values, BUCKETS)
    return [
        {"lower_bound": float(low), "upper_bound": float(high), "count": int(count)}
        for low, high, count in zip(edges, edges[1:], counts, strict=False)
    ]


def _sketch(values: np.ndarray) -> dict:
    """Return a KLL sketch of sorted values: a number in level h of `data` stands for 2^h of them.

    Each pass keeps every second value for the next level, until one holds at most K.
    """
    levels = []
    while len(values) > SKETCH_K:
        pairs = len(values) // 2 * 2
        levels.append(values[pairs:].tolist())
        values = values[1:pairs:2]
    levels.append(values.tolist())
    return {"parameters": {"c": SKETCH_C, "k": SKETCH_K}, "data": levels}
