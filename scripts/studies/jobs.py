"""The jobs of a study, one after another."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from scripts.storage import split_uri
from scripts.training_job import Job, checkpoints_uri

PRETRAINED = "pretraining.pt"  # as model/train.py calls the checkpoint of its first phase


def in_turn(
    s3, bucket: str, jobs: Iterable[Job], run: Callable[[Job], dict], same_pretraining: bool
) -> Iterator[dict]:
    """Run the jobs and yield the description of each when it has ended.

    One at a time: an account may have a quota of one instance of a type, and a laptop has no
    cores for more. Where all pretrain on the same images, which takes most of a job's time, the
    first does and the others go on from its checkpoint.
    """
    first = None
    for job in jobs:
        pretrains = "pretraining" in job.channels
        if pretrains or job.spot:
            job = replace(job, checkpoints=checkpoints_uri(bucket, job.name))
        if pretrains and same_pretraining and first:
            _hand_on(s3, first, job)
        yield run(job)
        first = first or job


def _hand_on(s3, done: Job, job: Job) -> None:
    (bucket, source), (_, target) = split_uri(done.checkpoints), split_uri(job.checkpoints)
    s3.copy_object(
        Bucket=bucket,
        Key=target + PRETRAINED,
        CopySource={"Bucket": bucket, "Key": source + PRETRAINED},
    )
