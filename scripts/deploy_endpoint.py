"""Put a trained model behind the stage's SageMaker endpoint, and try it with one photo."""

import argparse
import time

from handlers import aws as service
from handlers.predictions import parse_answer
from scripts import cli, config, dataset
from scripts.cloud import Cloud, Stack, find_stack
from scripts.hosting import Hosting


def main(argv: list[str] | None) -> None:
    """Run `python -m scripts.deploy_endpoint`."""
    arguments = _parser().parse_args(argv)
    cloud = Cloud()
    stack = find_stack(cloud, arguments.stage)
    hosting = Hosting(
        cloud.client("sagemaker"), config.service_name(arguments.stage), stack.endpoint
    )
    try:
        if arguments.delete:
            delete(hosting)
        else:
            deploy(cloud, stack, hosting, arguments)
    except KeyboardInterrupt:
        raise cli.Interrupted(
            f"Interrupted. SageMaker goes on with what was begun; to remove it: "
            f"python -m scripts.deploy_endpoint --stage {arguments.stage} --delete"
        ) from None


def delete(hosting: Hosting) -> None:
    """Remove the endpoint and what belongs to it."""
    found = hosting.delete()
    cli.say("Endpoint", f"{hosting.endpoint} {'deleted' if found else 'was not there'}")


def deploy(cloud: Cloud, stack: Stack, hosting: Hosting, arguments: argparse.Namespace) -> None:
    """Roll out the model and try it."""
    began = time.monotonic()
    model_data = arguments.model_data or hosting.newest_model()
    image = arguments.image or f"{stack.serving_repository}:latest"
    cli.say("Model", model_data)
    cli.say("Image", image)
    hosting.roll_out(
        {
            "ExecutionRoleArn": stack.sagemaker_role,
            "PrimaryContainer": {"Image": image, "ModelDataUrl": model_data},
        },
        {
            "InstanceType": arguments.instance_type,
            "InitialInstanceCount": config.load()["endpoint"]["instance_count"],
        },
        capture_configuration(stack.bucket, config.load()["capture"]["sampling_percentage"]),
    )
    cli.say(
        "Endpoint",
        f"{stack.endpoint} on {arguments.instance_type}, {time.monotonic() - began:.0f} s",
    )
    try_sample(cloud, stack)


def capture_configuration(bucket: str, sampling_percentage: int) -> dict:
    """Return the DataCaptureConfig: requests and answers below `capture/`, answers readable."""
    return {
        "EnableCapture": True,
        "InitialSamplingPercentage": sampling_percentage,
        "DestinationS3Uri": f"s3://{bucket}/capture",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        # Of the two only the answers are JSON; without this they would be kept as base64.
        "CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"]},
    }


def try_sample(cloud: Cloud, stack: Stack) -> None:
    """Send the newest dataset's first test photo and print the answer."""
    s3 = cloud.client("s3")
    name = dataset.find(s3, stack.bucket)["name"]
    prefix = f"{dataset.ROOT}{name}/images/test/"
    [photo] = s3.list_objects_v2(Bucket=stack.bucket, Prefix=prefix, MaxKeys=1)["Contents"]
    body = s3.get_object(Bucket=stack.bucket, Key=photo["Key"])["Body"].read()
    runtime = cloud.client("sagemaker-runtime")
    answer = parse_answer(service.invoke_endpoint(runtime, stack.endpoint, body))
    cli.say("Sample", f"s3://{stack.bucket}/{photo['Key']}")
    cli.say("Answer", f"{answer.label}, confidence {answer.confidence:.4f}")


def _parser():
    parser = cli.parser(
        "deploy_endpoint",
        "Put the newest trained model behind the stage's endpoint, with Data Capture.",
        "--instance-type ml.c5.large",
    )
    parser.add_argument(
        "--model-data",
        type=cli.s3_uri,
        metavar="S3_URI",
        help="model.tar.gz (default: the newest completed training job's)",
    )
    parser.add_argument(
        "--image", metavar="URI", help="serving image (default: the stack's repository, latest)"
    )
    parser.add_argument(
        "--instance-type",
        metavar="TYPE",
        default=config.load()["endpoint"]["instance_type"],
        help="default: %(default)s",
    )
    parser.add_argument(
        "--delete",
        action="store_true",
        help="remove the stage's endpoint, endpoint configurations and models instead",
    )
    return parser


if __name__ == "__main__":
    cli.run(main)
