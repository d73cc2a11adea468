"""The service on a local cloud of its own, as the demo leaves it."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local import interpreter
from service.config import ROOT
from service.stack import require_loopback
from tests.drawings import write_cifar_archive
from tests.integration.demo import Demo
from tests.integration.local_cloud import LocalCloud
from tests.integration.service import STAGE, Service
from tests.ports import free_port

BUILT = ("build/layer", ".venv", "node_modules")


def copy_repository(folder: Path) -> Path:
    """Copy the repository's files, without what was installed and built."""
    ignored = [line.strip("/") for line in (ROOT / ".gitignore").read_text().splitlines()]
    return shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(".git", *ignored))


@pytest.fixture(scope="session")
def copy(tmp_path_factory) -> Path:
    """The repository's files in a folder of their own; what was installed and built is linked."""
    folder = copy_repository(tmp_path_factory.mktemp("copy") / "scones-vehicles")
    (ROOT / BUILT[0]).mkdir(parents=True, exist_ok=True)
    functions_python = interpreter.prepare(interpreter.find()).parents[1].relative_to(ROOT)
    for name in (*BUILT, functions_python):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).symlink_to(ROOT / name)
    return folder


@pytest.fixture(scope="session")
def demo(copy, tmp_path_factory) -> Iterator[Demo]:
    """The demo after its first run, on drawn vehicles."""
    # A fifth of the training photos validates, and a baseline takes a hundred of them.
    archive = tmp_path_factory.mktemp("drawn") / "cifar-100-python.tar.gz"
    demo = Demo(copy, free_port(), write_cifar_archive(archive, train=260))
    try:
        demo.run()
        yield demo
    finally:
        demo.cloud.run("down")


@pytest.fixture(scope="session")
def service(demo) -> Service:
    """The service that the demo deployed, with an endpoint in service."""
    env = demo.cloud.variables()
    require_loopback(env["AWS_ENDPOINT_URL"])
    service = Service(demo.folder, env, outputs={})
    service.outputs.update(service.outputs_of(f"scones-vehicles-{STAGE}"))
    return service


@pytest.fixture
def account() -> Iterator[Service]:
    """A local cloud of its own, where nothing is deployed yet."""
    cloud = LocalCloud(ROOT, free_port())
    cloud.run("up")
    try:
        yield Service(ROOT, cloud.variables(), outputs={})
    finally:
        cloud.end()


@pytest.fixture(scope="session")
def batch(service) -> dict:
    """The 40 test photos of the sample batch that the ETL wrote, without its last two entries."""
    images = json.loads((service.folder / "batch.json").read_text())["images"]
    return {"images": images[:-2]}


@pytest.fixture(scope="session")
def photo(batch, service) -> dict:
    """One good photo, as an entry of a batch."""
    return {"s3_bucket": service.bucket, "s3_key": batch["images"][0]["s3_key"]}


@pytest.fixture(scope="session")
def classified(service, batch) -> dict:
    """An execution of `classify` on the sample batch, and a photo that is not there behind it."""
    return service.classify([*batch["images"], {"s3_key": "tests/absent.png"}], threshold=0.9)


@pytest.fixture
def inbox(service) -> Callable[..., list[dict]]:
    """What the topic carries, read through a fresh queue that is subscribed to it.

    A function that gives the messages, `Subject` and `Message`, that contain some words: all that
    there are as soon as there is one, or none after so many seconds.
    """
    queues, topics = service.client("sqs"), service.client("sns")
    url = queues.create_queue(QueueName=f"inbox-{time.time_ns()}")["QueueUrl"]
    attributes = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    arn = attributes["Attributes"]["QueueArn"]
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
            messages = [json.loads(message["Body"]) for message in received.get("Messages", [])]
            if found := [each for each in messages if about in each["Subject"] + each["Message"]]:
                return found
        return []

    yield messages
    topics.unsubscribe(SubscriptionArn=subscription)
    queues.delete_queue(QueueUrl=url)
