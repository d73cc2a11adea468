"""Training jobs of model/train.py: start them, wait for their end, read their files."""

import logging
import os
import tarfile
import time
import zlib
from dataclasses import dataclass, field

from service import config, terminal
from service.aws_errors import call_unless_refused
from service.hosting import add_mark
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
    """A job to start.

    name: the beginning of its name; channels: {channel: S3 URI}; spot: it runs on spare capacity,
    which AWS may take away; when it runs again it goes on from its checkpoints.
    """

    name: str
    channels: dict[str, str]
    hyperparameters: dict[str, object] = field(default_factory=dict)
    spot: bool = False


def start(cloud: Cloud, stack: Stack, job: Job, instance_type: str) -> str:
    """Start the training job and return its name."""
    # The SDK would check the role, for which a person needs permission to simulate policies.
    os.environ["SAGEMAKER_VALIDATE_ROLE"] = "false"
    # The SDK logs at length, and raises what it logs as errors.
    for name in ("sagemaker", "sagemaker.config"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    # Imported here because it takes seconds, which --help should not.
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

    name = add_mark(job.name)
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
        # AWS counts the run with the wait.
        seconds["max_wait_time_in_seconds"] = limits["max_seconds"] + limits["spot_wait_seconds"]
        compute["enable_managed_spot_training"] = True
        prefix = f"{CHECKPOINTS}{name}-{time.strftime('%Y%m%d%H%M%S')}/"
        checkpoints = CheckpointConfig(s3_uri=f"s3://{stack.bucket}/{prefix}")
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
    # train() returns nothing; the SDK's documentation reads the job from this attribute.
    return trainer._latest_training_job.training_job_name


def follow(cloud: Cloud, job_name: str, show_log: bool = True) -> dict:
    """Wait until the job ends, print its script's log, and return the job's description."""
    sagemaker = cloud.client("sagemaker")
    log = JobLog(cloud.client("logs"), job_name)
    script = ScriptLines(ENTRY_SCRIPT)
    waiting = Waiting("Status")
    while True:
        job = sagemaker.describe_training_job(TrainingJobName=job_name)
        ended = job["TrainingJobStatus"] in ENDED
        if ended:
            time.sleep(POLL_SECONDS)  # for the last lines to reach the log
        for line in log.read_lines():
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
    stop = f"aws sagemaker stop-training-job --training-job-name {job_name}"
    with terminal.explain_interrupt(f"The job goes on; to stop it: {stop}"):
        return follow(cloud, job_name, show_log)


def report(job: dict) -> None:
    """Print a job's accuracy, time and model. UserError if its log has no accuracy."""
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
    seconds = job["TrainingTimeInSeconds"]
    billed = job.get("BillableTimeInSeconds", seconds)
    saved = f", {billed} billed ({1 - billed / seconds:.0%} less)" if billed < seconds else ""
    terminal.print_line("Seconds", f"{seconds} in the training container{saved}")
    terminal.print_line("Model", job["ModelArtifacts"]["S3ModelArtifacts"])


def read_member(s3, uri: str, name: str) -> bytes:
    """Return one file of a .tar.gz in S3, read no further than it. UserError if it is missing."""
    bucket, key = split_uri(uri)
    answer = call_unless_refused(
        ("NoSuchKey", "NoSuchBucket"), s3.get_object, Bucket=bucket, Key=key
    )
    if answer is None:
        raise UserError(f"There is no {uri}.")
    try:
        with tarfile.open(fileobj=answer["Body"], mode="r|gz") as tar:
            for member in tar:
                if member.name.removeprefix("./") == name and member.isreg():
                    if member.size > MEMBER_BYTES:
                        raise UserError(f"{name} in {uri} has {member.size:,} bytes: too many.")
                    if file := tar.extractfile(member):
                        return file.read()
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        raise UserError(f"{uri} cannot be read as an archive: {error}") from error
    raise UserError(f"{uri} holds no {name}. Was it made by model/train.py?")


def output_uri(job: dict) -> str:
    """Return the S3 URI of the files that a job wrote beside its model."""
    return job["ModelArtifacts"]["S3ModelArtifacts"].replace("/model.tar.gz", "/output.tar.gz")
