"""Train a model on a dataset in the service's bucket, as a SageMaker training job."""

import argparse
import logging
import os
import time

from scripts import cli, config, dataset
from scripts.cloud import Cloud, Stack, find_stack
from scripts.job_log import LOG_GROUP, JobLog, ScriptLines
from scripts.progress import Waiting

SOURCE = config.ROOT / "model"
ENTRY_SCRIPT = "train.py"
REQUIREMENTS = "requirements-training.txt"
FRAMEWORK, FRAMEWORK_VERSION = "pytorch-amzn2023", "2.13"
METRICS = ("validation_accuracy", "test_accuracy")
POLL_SECONDS = 1
ENDED = ("Completed", "Failed", "Stopped")


def main(argv: list[str] | None) -> None:
    """Run `python -m scripts.train`."""
    arguments = _parser().parse_args(argv)
    cloud = Cloud()
    stack = find_stack(cloud, arguments.stage)
    data = dataset.find(cloud.client("s3"), stack.bucket, arguments.dataset)
    counts = {part: sum(classes.values()) for part, classes in data["counts"].items()}
    cli.say("Dataset", data["name"])
    cli.say("Images", ", ".join(f"{part} {count:,}" for part, count in counts.items()))
    job_name = start(cloud, stack, arguments, data["name"])
    cli.say("Job", f"{job_name} on {arguments.instance_type}")
    try:
        job = follow(cloud, job_name)
    except KeyboardInterrupt:
        raise cli.Interrupted(
            f"Interrupted. The job goes on; to stop it: "
            f"aws sagemaker stop-training-job --training-job-name {job_name}"
        ) from None
    report(job)


def start(cloud: Cloud, stack: Stack, arguments: argparse.Namespace, dataset_name: str) -> str:
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
        Compute,
        InputData,
        MetricDefinition,
        OutputDataConfig,
        SourceCode,
    )

    session = Session(
        boto_session=cloud.session,
        default_bucket=stack.bucket,
        sagemaker_config={
            "SchemaVersion": "1.0",
            "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}},
        },
    )
    trainer = ModelTrainer(
        sagemaker_session=session,
        training_image=image_uris.retrieve(
            FRAMEWORK,
            cloud.region,
            version=FRAMEWORK_VERSION,
            image_scope="training",
            instance_type=arguments.instance_type,
        ),
        role=stack.sagemaker_role,
        base_job_name=config.service_name(arguments.stage),
        input_s3_key_prefix="training",
        output_data_config=OutputDataConfig(s3_output_path=f"s3://{stack.bucket}/training"),
        source_code=SourceCode(
            source_dir=str(SOURCE), entry_script=ENTRY_SCRIPT, requirements=REQUIREMENTS
        ),
        compute=Compute(instance_type=arguments.instance_type, instance_count=1),
        hyperparameters={
            name: value
            for name in ("epochs", "seed")
            if (value := getattr(arguments, name)) is not None
        },
        input_data_config=[
            InputData(
                channel_name=part,
                data_source=dataset.arrays_uri(stack.bucket, dataset_name, part),
            )
            for part in ("train", "validation", "test")
        ],
    ).with_metric_definitions(
        [MetricDefinition(name=name, regex=rf"{name}=([0-9.]+)") for name in METRICS]
    )
    trainer.train(wait=False, logs=False)
    # train() returns nothing; the SDK's own documentation takes the job from here.
    return trainer._latest_training_job.training_job_name


def follow(cloud: Cloud, job_name: str) -> dict:
    """Stream the script's log until the job ends, and return the job's description."""
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
            if script.pick(line):
                waiting.clear()
                print(f"  {line}", flush=True)
        if ended:
            break
        waiting.show(job.get("SecondaryStatus", job["TrainingJobStatus"]))
        time.sleep(POLL_SECONDS)
    waiting.clear()
    if job["TrainingJobStatus"] != "Completed":
        if not script.any:
            print("\n".join(f"  {line}" for line in script.tail))
        reason = cli.one_line(job.get("FailureReason", "no reason given"), 300)
        raise cli.UserError(
            f"The job {job_name} ended {job['TrainingJobStatus']}: {reason} "
            f"(log group {LOG_GROUP}, stream {job_name}/)"
        )
    return job


def report(job: dict) -> None:
    """Print the accuracy, the time and the model's place."""
    metrics = {item["MetricName"]: item["Value"] for item in job.get("FinalMetricDataList", [])}
    missing = [name for name in METRICS if name not in metrics]
    if missing:
        raise cli.UserError(
            f"The job {job['TrainingJobName']} completed but its log has no {', '.join(missing)}."
        )
    cli.say(
        "Accuracy",
        f"validation {metrics['validation_accuracy']:.4f}, test {metrics['test_accuracy']:.4f}",
    )
    cli.say("Seconds", f"{job['TrainingTimeInSeconds']} in the training container")
    cli.say("Model", job["ModelArtifacts"]["S3ModelArtifacts"])


def _parser():
    parser = cli.parser(
        "train", "Train a model on a dataset, as a SageMaker training job.", "--epochs 30 --seed 1"
    )
    parser.add_argument("--dataset", metavar="NAME", help="the dataset (default: the newest)")
    parser.add_argument(
        "--epochs",
        type=cli.positive_int,
        metavar="N",
        help=f"passes over the images (default: {ENTRY_SCRIPT}'s)",
    )
    parser.add_argument(
        "--seed", type=int, metavar="N", help=f"random seed (default: {ENTRY_SCRIPT}'s)"
    )
    parser.add_argument(
        "--instance-type",
        metavar="TYPE",
        default=config.load()["training"]["instance_type"],
        help="default: %(default)s",
    )
    return parser


if __name__ == "__main__":
    cli.run(main)
