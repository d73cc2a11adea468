"""Training jobs of model/train.py: started, followed to their end, and what they left read."""

import logging
import os
import tarfile
import time
import zlib
from dataclasses import dataclass, field
from typing import BinaryIO

from service import config, terminal
from service.hosting import marked
from service.keys import CHECKPOINTS
from service.logs import LOG_GROUP, JobLog, ScriptLines
from service.stack import Cloud, Stack
from service.storage import split_uri
from service.terminal import UserError, Waiting

SOURCE = config.ROOT / "model"
ENTRY_SCRIPT = "train.py"
REQUIREMENTS = "requirements-training.txt"
FRAMEWORK, FRAMEWORK_VERSION = "pytorch-amzn2023", "2.13"
METRICS = ("validation_accuracy", "test_accuracy")
POLL_SECONDS = 1
ENDED = ("Completed", "Failed", "Stopped")

MEMBER_BYTES = 64 * 1024**2


@dataclass(frozen=True)
class Job:
    """What a job is to do.

    name: what its name starts with; channels: {channel: S3 URI}; spot: on spare capacity, which
    AWS may take away and give back: then the job goes on from its checkpoints.
    """

    name: str
    channels: dict[str, str]
    hyperparameters: dict[str, object] = field(default_factory=dict)
    spot: bool = False


def start(cloud: Cloud, stack: Stack, job: Job, instance_type: str) -> str:
    """Start the training job and return its name."""
    # The role is the stack's, made for this; the SDK's check of it would ask the person who
    # starts a job for permission to simulate policies.
    os.environ["SAGEMAKER_VALIDATE_ROLE"] = "false"
    # The SDK logs what it does at length, in a look of its own. Its errors are raised as well.
    for name in ("sagemaker", "sagemaker.config"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    # Imported here because it takes seconds, which --help and a mistyped option need not wait for.
    from sagemaker.core import image_uris
    from sagemaker.core.helper.session_helper import Session
    from sagemaker.train import ModelTrainer
    from sagemaker.train.configs import (
        CheckpointConfig,
        Compute,
        InputData,
        MetricDefinition,
        OutputDataConfig,
        SourceCode,
        StoppingCondition,
    )

    name = marked(job.name)
    session = Session(
        boto_session=cloud.session,
        default_bucket=stack.bucket,
        sagemaker_config={
            "SchemaVersion": "1.0",
            "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}},
        },
    )
    limits = config.load()["training"]
    seconds = {"max_runtime_in_seconds": limits["max_seconds"]}
    compute = {"instance_type": instance_type, "instance_count": 1}
    checkpoints = None
    if job.spot:
        # The wait is counted with the run: the whole may take this long.
        seconds["max_wait_time_in_seconds"] = limits["max_seconds"] + limits["spot_wait_seconds"]
        compute["enable_managed_spot_training"] = True
        place = f"{CHECKPOINTS}{name}-{time.strftime('%Y%m%d%H%M%S')}/"  # no other job's
        checkpoints = CheckpointConfig(s3_uri=f"s3://{stack.bucket}/{place}")
    trainer = ModelTrainer(
        sagemaker_session=session,
        training_image=image_uris.retrieve(
            FRAMEWORK,
            cloud.region,
            version=FRAMEWORK_VERSION,
            image_scope="training",
            instance_type=instance_type,
        ),
        role=stack.training_role,
        base_job_name=name,
        input_s3_key_prefix="training",
        output_data_config=OutputDataConfig(s3_output_path=f"s3://{stack.bucket}/training"),
        source_code=SourceCode(
            source_dir=str(SOURCE), entry_script=ENTRY_SCRIPT, requirements=REQUIREMENTS
        ),
        compute=Compute(**compute),
        stopping_condition=StoppingCondition(**seconds),
        checkpoint_config=checkpoints,
        hyperparameters=job.hyperparameters,
        input_data_config=[
            InputData(channel_name=name, data_source=uri) for name, uri in job.channels.items()
        ],
    ).with_metric_definitions(
        [MetricDefinition(name=name, regex=rf"{name}=([0-9.]+)") for name in METRICS]
    )
    trainer.train(wait=False, logs=False)
    # train() returns nothing; the SDK's own documentation takes the job from here.
    return trainer._latest_training_job.training_job_name


def follow(cloud: Cloud, job_name: str, show_log: bool = True) -> dict:
    """Wait until the job ends, streaming the script's log, and return the job's description."""
    sagemaker = cloud.client("sagemaker")
    log = JobLog(cloud.client("logs"), job_name)
    script = ScriptLines(ENTRY_SCRIPT)
    waiting = Waiting("Status")
    while True:
        job = sagemaker.describe_training_job(TrainingJobName=job_name)
        ended = job["TrainingJobStatus"] in ENDED
        if ended:
            time.sleep(POLL_SECONDS)  # for the last lines to reach the log
        for line in log.lines():
            if script.pick(line) and show_log:
                waiting.clear()
                print(f"  {line}", flush=True)
        if ended:
            break
        waiting.show(job.get("SecondaryStatus", job["TrainingJobStatus"]))
        time.sleep(POLL_SECONDS)
    waiting.clear()
    if job["TrainingJobStatus"] != "Completed":
        if not (script.any and show_log):
            print("\n".join(f"  {line}" for line in script.tail))
        reason = terminal.one_line(job.get("FailureReason", "no reason given"), 300)
        raise terminal.UserError(
            f"The job {job_name} ended {job['TrainingJobStatus']}: {reason} "
            f"(log group {LOG_GROUP}, stream {job_name}/)"
        )
    return job


def run(cloud: Cloud, stack: Stack, job: Job, instance_type: str, show_log: bool = True) -> dict:
    """Start the job, follow it, and return its description."""
    job_name = start(cloud, stack, job, instance_type)
    terminal.print_line("Job", f"{job_name} on {instance_type}{', on Spot' if job.spot else ''}")
    try:
        return follow(cloud, job_name, show_log)
    except KeyboardInterrupt:
        raise terminal.Interrupted(
            f"Interrupted. The job goes on; to stop it: "
            f"aws sagemaker stop-training-job --training-job-name {job_name}"
        ) from None


def report(job: dict) -> None:
    """Print the accuracy, the time and the model's place. UserError without the accuracy."""
    metrics = {item["MetricName"]: item["Value"] for item in job.get("FinalMetricDataList", [])}
    missing = [name for name in METRICS if name not in metrics]
    if missing:
        raise UserError(
            f"The job {job['TrainingJobName']} completed but its log has no {', '.join(missing)}."
        )
    terminal.print_line(
        "Accuracy",
        f"validation {metrics['validation_accuracy']:.4f}, test {metrics['test_accuracy']:.4f}",
    )
    terminal.print_line("Seconds", seconds_of(job))
    terminal.print_line("Model", job["ModelArtifacts"]["S3ModelArtifacts"])


def seconds_of(job: dict) -> str:
    """Return how long the job took, and what of that is billed where it is less."""
    took = job["TrainingTimeInSeconds"]
    billed = job.get("BillableTimeInSeconds", took)
    saved = f", {billed} billed ({1 - billed / took:.0%} less)" if billed < took else ""
    return f"{took} in the training container{saved}"


def read_member(s3, uri: str, name: str) -> bytes:
    """Return one file of a .tar.gz in S3, streamed as far as it. UserError if it is not there."""
    bucket, key = split_uri(uri)
    return member_of(s3.get_object(Bucket=bucket, Key=key)["Body"], uri, name)


def member_of(archive: BinaryIO, source: str, name: str) -> bytes:
    """Return one file of an open .tar.gz, which errors call `source`. UserError without it."""
    try:
        with tarfile.open(fileobj=archive, mode="r|gz") as tar:
            for member in tar:
                if member.name.removeprefix("./") != name or not member.isreg():
                    continue
                if member.size > MEMBER_BYTES:
                    raise UserError(f"{name} in {source} has {member.size:,} bytes: too many.")
                if file := tar.extractfile(member):
                    return file.read()
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        raise UserError(f"{source} cannot be read as an archive: {error}") from error
    raise UserError(f"{source} holds no {name}. Was it made by model/train.py?")


def output_uri(job: dict) -> str:
    """Return where the files lie that a job left beside its model."""
    return job["ModelArtifacts"]["S3ModelArtifacts"].replace("/model.tar.gz", "/output.tar.gz")
