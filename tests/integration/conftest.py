"""The service on a local cloud of its own, deployed once by the README's commands."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.drawings import write_cifar_archive
from tests.integration.service import REPOSITORY, STAGE, Service, run


def free_port() -> int:
    """A loopback port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def cloud_env():
    """The environment that points at a local cloud, which lives as long as the tests."""
    port = str(free_port())
    local = [sys.executable, "-m", "local"]
    run([*local, "up", "--port", port], dict(os.environ))
    try:
        dump = f'eval "$({" ".join(local)} env --port {port})"; env -0'
        said = subprocess.check_output(["bash", "-c", dump], cwd=REPOSITORY, text=True)
        yield dict(line.split("=", 1) for line in said.split("\0") if "=" in line)
    finally:
        run([*local, "down", "--port", port], dict(os.environ))


@pytest.fixture(scope="session")
def batch_file(tmp_path_factory) -> Path:
    """Where the ETL writes the sample batch."""
    return tmp_path_factory.mktemp("etl") / "batch.json"


@pytest.fixture(scope="session")
def service(cloud_env, batch_file, tmp_path_factory) -> Service:
    """The service with an endpoint in service, trained on drawn vehicles."""
    archive = write_cifar_archive(tmp_path_factory.mktemp("drawn") / "cifar-100-python.tar.gz")
    stage = ("--stage", STAGE)
    python = (sys.executable, "-m")
    run(("npx", "sls", "deploy", *stage), cloud_env)
    etl = ("--archive", str(archive), "--batch", str(batch_file))
    run((*python, "scripts.etl", *stage, *etl), cloud_env)
    run((*python, "scripts.train", *stage, "--epochs", "8"), cloud_env)
    run((*python, "scripts.deploy_endpoint", *stage), cloud_env)
    service = Service(cloud_env, outputs={})
    (stack,) = service.client("cloudformation").describe_stacks(
        StackName=f"scones-vehicles-{STAGE}"
    )["Stacks"]
    service.outputs.update({o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]})
    return service


@pytest.fixture(scope="session")
def batch(service, batch_file) -> dict:
    """The sample batch that the ETL wrote: 40 photos of the test split."""
    return json.loads(batch_file.read_text())


@pytest.fixture(scope="session")
def photo(batch, service) -> dict:
    """One good photo, as an entry of a batch."""
    return {"s3_bucket": service.bucket, "s3_key": batch["images"][0]["s3_key"]}


@pytest.fixture
def inbox(service) -> Callable[..., list[dict]]:
    """What the topic carries, read through a fresh queue that is subscribed to it.

    A function that gives the messages, `Subject` and `Message`, that contain some words: all that
    there are as soon as there is one, or none after so many seconds.
    """
    queues, topics = service.client("sqs"), service.client("sns")
    url = queues.create_queue(QueueName=f"inbox-{time.time_ns()}")["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"][
        "QueueArn"
    ]
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    queues.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    subscription = topics.subscribe(
        TopicArn=service.outputs["TopicArn"], Protocol="sqs", Endpoint=arn
    )["SubscriptionArn"]

    def messages(about: str, seconds: float = 10) -> list[dict]:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            received = queues.receive_message(
                QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1
            )
            told = [json.loads(message["Body"]) for message in received.get("Messages", [])]
            if found := [each for each in told if about in each["Subject"] + each["Message"]]:
                return found
        return []

    yield messages
    topics.unsubscribe(SubscriptionArn=subscription)
    queues.delete_queue(QueueUrl=url)
