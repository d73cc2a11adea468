"""How often a report errs: `python -m benchmarks.drift [--stage dev] [--seeds 100]`.

Sends 2,000 generated photos through the deployed endpoint and takes what Data Capture kept of them
as the baseline. A report on 500 photos then follows for each seed: clean ones, and the generator's
darker, blurred and other-class ones, each seed drawing its 500 without replacement from POOL photos
of the kind. The model answers those here, on this machine, as 200,000 through the endpoint would
take hours: first it is shown that it gives the baseline's photos what the endpoint gave them.
"""

import argparse
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from benchmarks.local_cloud import LocalCloud
from handlers.photo import to_model_input
from model.serving.pixels import read_png
from monitoring import assessment, baseline, captures, embedding
from monitoring.assessment import VIOLATION
from monitoring.baseline import Baseline, Rules
from monitoring.table import FEATURES, PROBABILITY, embeddings
from scripts.generate.photos import (
    BLURRED,
    DARKER,
    DRIFTS,
    OTHER_CLASSES,
    PhotoSource,
    Supply,
    find_known,
    find_unknown,
)
from service import config, terminal
from service.hosting import Hosting
from service.labelled_images import LabelledImages
from service.stack import Cloud, find_stack

BASELINE = 2000
REPORT = 500
POOL = 1500
THREADS = 4
CAPTURE_SECONDS = 60
CLEAN = "clean"
SEEDS = {"baseline": 1, CLEAN: 2, DARKER: 3, BLURRED: 4, OTHER_CLASSES: 5}


def main() -> None:
    """Print how often each kind of stream is a violation, and what by."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--stage", default="dev")
    parser.add_argument("--seeds", type=int, default=100)
    arguments = parser.parse_args()
    cloud = LocalCloud()
    stack = find_stack(cloud, arguments.stage)
    s3 = cloud.client("s3")
    hosting = Hosting(cloud.client("sagemaker"), stack.endpoint)
    model_data = hosting.served_model()
    rules = Rules.from_config(config.load())

    def find_supply(kind: str) -> Supply:
        known = find_known(s3, stack.bucket, None, None)
        return find_unknown(known.classes) if kind == OTHER_CLASSES else known

    def answered(kind: str, pngs: list[bytes]) -> pd.DataFrame:
        side = config.load()["image"]["size"]
        pixels = np.stack([read_png(png, side) for png in pngs])
        names = np.array([f"{number:05d}" for number in range(len(pngs))])
        rows = LabelledImages(pixels, np.zeros(len(pixels), np.int64), names)
        return baseline.validation_table(s3, rows, kind, model_data)

    clean = photos(find_supply("baseline"), "baseline", BASELINE)
    captured = through_endpoint(cloud, stack, clean, model_data)
    print_agreement(captured, answered("baseline", clean))
    made = baseline.make(captured, "the study", model_data, rules)
    print(f"| {REPORT} photos | a violation | what did not hold, in how many reports | seconds |")
    print("|---|---|---|---|")
    for kind in (CLEAN, *DRIFTS):
        pool = answered(kind, photos(find_supply(kind), kind, POOL))
        print(study(kind, pool, made, rules, arguments.seeds), flush=True)


def photos(supply: Supply, kind: str, count: int) -> list[bytes]:
    """Photos of a kind as the endpoint gets them: PNG at the model's size."""
    settings = config.load()["image"]
    drift = kind if kind in DRIFTS else None
    source = PhotoSource(SEEDS[kind], supply, drift=drift)
    return [
        to_model_input(source[number].make(), settings["size"], settings["max_pixels"])
        for number in terminal.track(range(count), kind, count, "photos")
    ]


def through_endpoint(cloud: Cloud, stack, pngs: list[bytes], model_data: str) -> pd.DataFrame:
    """The photos' table, from what Data Capture keeps once the endpoint has answered them."""
    runtime = cloud.client("sagemaker-runtime", connections=THREADS)
    began = datetime.now(UTC) - timedelta(seconds=1)
    run = f"{time.time():.0f}"  # another run's records are of other ids
    ids = [f"study-{run}-{number:05d}" for number in range(len(pngs))]

    def send(job: tuple[bytes, str]) -> None:
        runtime.invoke_endpoint(
            EndpointName=stack.endpoint,
            Body=job[0],
            ContentType="image/png",
            Accept="application/json",
            InferenceId=job[1],
        )

    with ThreadPoolExecutor(THREADS) as pool:
        sent = pool.map(send, zip(pngs, ids, strict=True))
        list(terminal.track(sent, "endpoint", len(pngs), "photos"))
    source = f"s3://{stack.bucket}/capture/{stack.endpoint}/"
    model = embedding.fetch(cloud.client("s3"), model_data)
    deadline = time.monotonic() + CAPTURE_SECONDS
    while time.monotonic() < deadline:
        frame = captures.load(source, began, model=model).frame
        own = frame[frame["image_id"].isin(ids)]
        if len(own) == len(ids):
            # In the order of sending, to be held against the answers given here.
            return own.set_index("image_id").loc[ids].reset_index()
        time.sleep(2)
    raise SystemExit(f"Data Capture kept {len(own)} of {len(ids)} answers.")


def print_agreement(captured: pd.DataFrame, direct: pd.DataFrame) -> None:
    """Say how far the endpoint's answers lie from the model's own."""
    columns = [name for name in captured if name.startswith(PROBABILITY)]
    columns += FEATURES
    numbers = np.abs(captured[columns].to_numpy() - direct[columns].to_numpy()).max()
    vectors = np.abs(embeddings(captured) - embeddings(direct)).max()
    print(
        f"{len(captured):,} photos through the endpoint and through the model here: labels "
        f"{'equal' if (captured['label'] == direct['label']).all() else 'DIFFERENT'}, "
        f"probabilities and features at most {numbers:.1g} apart, embeddings {vectors:.1g}\n",
        flush=True,
    )


def study(kind: str, pool: pd.DataFrame, made: Baseline, rules: Rules, seeds: int) -> str:
    """A row of the table: in how many seeds the kind is a violation."""
    violations, names, seconds = 0, Counter(), []
    for seed in terminal.track(range(seeds), kind, seeds, "seeds"):
        current = pool.sample(REPORT, random_state=seed)
        began = time.perf_counter()
        report = assessment.assess(current, made, rules)
        seconds.append(time.perf_counter() - began)
        violations += report.status == VIOLATION
        names.update(violation.name for violation in report.violations)
    named = ", ".join(f"{name} {count}" for name, count in names.most_common()) or "none"
    return f"| {kind} | {violations} of {seeds} | {named} | {np.median(seconds):.2f} |"


if __name__ == "__main__":
    main()
