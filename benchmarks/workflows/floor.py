"""What no design can beat: the objects read and nothing else, and the model alone."""

import multiprocessing
import os
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnxruntime

from benchmarks.local_cloud import LocalCloud
from handlers import aws
from scripts.cost import bill
from service.hosting import Hosting
from service.jobs import read_member
from service.stack import Cloud, Stack, find_stack

PROCESSES = 2
BATCH = 64
MODEL_SECONDS = 3.0


def floor_dollars(images: int) -> float:
    """An S3 GET an image."""
    return bill.load_prices().dollars("s3_get", images)


def s3_gets_per_second(keys: list[str], images: int, stage: str = "dev") -> float:
    """Objects a second, read as the functions read them, by a process a core."""
    wanted = [keys[n % len(keys)] for n in range(images)]
    shares = [(stage, wanted[n::PROCESSES]) for n in range(PROCESSES)]
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        pool.map(_read, [(stage, keys[:50])] * PROCESSES)
        began = time.perf_counter()
        pool.map(_read, shares, chunksize=1)
        return images / (time.perf_counter() - began)


def _read(share: tuple[str, list[str]]) -> None:
    stage, keys = share
    cloud = LocalCloud()
    bucket = find_stack(cloud, stage).bucket
    s3 = cloud.client("s3", connections=aws.CONNECTIONS)
    with ThreadPoolExecutor(aws.CONNECTIONS) as pool:
        for _ in pool.map(lambda key: aws.read_object(s3, bucket, key, 20_000_000), keys):
            pass


def model_images_per_second(cloud: Cloud, stack: Stack) -> float:
    """Images a second of the endpoint's model, a process a core with one thread each."""
    job = Hosting(cloud.client("sagemaker"), stack.endpoint).served_job()
    body = read_member(cloud.client("s3"), job["ModelArtifacts"]["S3ModelArtifacts"], "model.onnx")
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        return sum(pool.map(_infer, [body] * PROCESSES, chunksize=1))


def _infer(body: bytes) -> float:
    os.environ["OMP_NUM_THREADS"] = "1"
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(body, options, providers=["CPUExecutionProvider"])
    side = session.get_inputs()[0].shape[1]
    images = np.random.default_rng(0).integers(0, 256, (BATCH, side, side, 3), np.uint8)
    session.run(["probabilities"], {"images": images})
    done, began = 0, time.perf_counter()
    while time.perf_counter() - began < MODEL_SECONDS:
        session.run(["probabilities"], {"images": images})
        done += BATCH
    return done / (time.perf_counter() - began)
