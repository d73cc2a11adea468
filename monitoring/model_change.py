"""Since when the endpoint serves the model that it serves now, as its captures show.

A record names endpoint and variant, not the model, and SageMaker keeps no history of an endpoint's
models. But a model gives the same photo the same answer: where the served model would have answered
otherwise, another one did.
"""

from collections.abc import Callable
from contextlib import suppress

import numpy as np
import pandas as pd

from monitoring import table
from monitoring.captures import image_reader
from monitoring.embedding import Model, Network

PROBES = 40  # photos that are answered again at once, spread over those in question
LEAST_SHARE = 0.25
# Other processors round otherwise; of two models hardly an answer is so much alike.
RELATIVE, ABSOLUTE = 1e-3, 1e-7


def keep_served(
    frame: pd.DataFrame, model: Model | None, source: str
) -> tuple[pd.DataFrame, list[str]]:
    """Return the table from where on the model answered, and in words what was left out.

    Without a model nobody can tell, and the table is returned as it is.
    """
    if model is None or frame.empty:
        return frame, []
    network = Network(model.whole, "probabilities")
    classes, captured = table.probabilities(frame)
    read_image = image_reader(source)

    def differs(row: int) -> bool:
        place = frame.iloc[row]
        with suppress(OSError, ValueError):  # a photo that cannot be read again proves nothing
            image = read_image(place["file"], int(place["line"]), int(place["position"]))
            answer = dict(zip(model.classes, network(np.asarray(image)[None])[0], strict=True))
            expected = [answer.get(name, np.nan) for name in classes]
            return not np.allclose(captured[row], expected, RELATIVE, ABSOLUTE, equal_nan=True)
        return False

    first = first_served(len(frame), differs)
    if first == 0:
        return frame, []
    last = frame["time"].iloc[first - 1]
    return frame[first:].reset_index(drop=True), [
        f"the endpoint's model changed after {last:%Y-%m-%d %H:%M:%S} UTC: the {first:,} photos "
        f"until then were answered by another one than {model.name} and are not judged"
    ]


def first_served(count: int, differs: Callable[[int], bool]) -> int:
    """Return the row behind the last of `count` that differs, as far as probes find it.

    Rows that differ among many before them that do not are odd photos, not another model's.
    """
    low, high = -1, count  # the last row known to differ, and the first after it that does not
    while high - low > 1:
        probes = np.unique(np.linspace(low + 1, high - 1, PROBES).astype(int))
        wrong = np.array([differs(int(row)) for row in probes])
        share = np.cumsum(wrong) / np.arange(1, len(probes) + 1)
        low = max(probes[wrong & (share >= LEAST_SHARE)], default=low)
        high = min(probes[probes > low], default=high)
    return int(high)
