"""Jobs and endpoints on the local cloud, each under a name of its own."""

import io
import json
import tarfile

import onnx.parser
import pytest
from botocore.config import Config
from PIL import Image

from local.tests.conftest import ACCOUNT, until

TRAINING_IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch:2.13-cpu-amzn2023-sagemaker"
REPOSITORY = "scones-vehicles-test-serving"
REGISTRY = f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com"
SERVING_IMAGE = f"{REGISTRY}/{REPOSITORY}:latest"
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
PNG = "image/png"


class SageMaker:
    """Clients, a bucket, a role that may do what SageMaker needs, and shorthands."""

    def __init__(self, session, workshop):
        self.workshop, self.name = workshop, workshop.name
        self.client, self.s3, self.logs, self.ecr = map(
            session.client, ("sagemaker", "s3", "logs", "ecr")
        )
        once = Config(retries={"total_max_attempts": 1})
        self.runtime = session.client("sagemaker-runtime", config=once)
        self.bucket = self.name()
        self.s3.create_bucket(Bucket=self.bucket)
        self.role = self.make_role(("s3:*", "*"), ("logs:*", "*"))
        self.ecr.create_repository(repositoryName=REPOSITORY)
        self.push("latest")

    def make_role(self, *allowed: tuple[str, str]) -> str:
        return self.workshop.role("sagemaker.amazonaws.com", *allowed)

    def put(self, key: str, body: bytes) -> str:
        """The object's URI."""
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)
        return f"s3://{self.bucket}/{key}"

    def get(self, uri: str) -> bytes:
        bucket, key = uri.removeprefix("s3://").split("/", 1)
        return self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()

    def keys(self, prefix: str) -> list[str]:
        listed = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        return [entry["Key"] for entry in listed.get("Contents", [])]

    def log(self, group: str, prefix: str) -> list[str]:
        """The lines of the log streams whose names begin so."""
        streams = self.logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=prefix)
        return [
            event["message"]
            for stream in streams["logStreams"]
            for event in self.logs.get_log_events(
                logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True
            )["events"]
        ]

    # Training

    def job(self, script: str, channels: dict[str, str] | None = None, **request) -> str:
        """Start a job that runs the shell script; its name."""
        name = request.pop("TrainingJobName", None) or self.name()
        data = [
            {
                "ChannelName": channel,
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}},
            }
            for channel, uri in (channels or {}).items()
        ]
        algorithm = {
            "TrainingImage": TRAINING_IMAGE,
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["/bin/bash", "-ec", script],
        } | request.pop("AlgorithmSpecification", {})
        resources = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
        usual = {
            "RoleArn": self.role,
            "OutputDataConfig": {"S3OutputPath": f"s3://{self.bucket}/training"},
            "ResourceConfig": resources,
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
            **({"InputDataConfig": data} if data else {}),
        }
        self.client.create_training_job(
            TrainingJobName=name, AlgorithmSpecification=algorithm, **usual | request
        )
        return name

    def run(self, *arguments, **request) -> dict:
        """Such a job, ended; the files of its model are in `files`."""
        job = self.ended(self.job(*arguments, **request))
        model = job.get("ModelArtifacts")
        return job | {"files": untar(self.get(model["S3ModelArtifacts"])) if model else {}}

    def ended(self, job: str) -> dict:
        return until(
            lambda: self.client.describe_training_job(TrainingJobName=job),
            lambda job: job["TrainingJobStatus"] not in ("InProgress", "Stopping"),
        )

    # Hosting

    def push(self, tag: str, kind: str = DOCKER) -> str:
        """Put an image of that form into ECR; its digest."""
        return self.ecr.put_image(
            repositoryName=REPOSITORY,
            imageManifest=json.dumps({"schemaVersion": 2, "mediaType": kind, "tag": tag}),
            imageManifestMediaType=kind,
            imageTag=tag,
        )["image"]["imageId"]["imageDigest"]

    def model(self, archive: bytes, image: str = SERVING_IMAGE, **request) -> str:
        """A model of that model.tar.gz; its name."""
        name = self.name()
        container = {
            "Image": image,
            "ModelDataUrl": self.put(f"models/{name}/model.tar.gz", archive),
            "Environment": {"SAGEMAKER_MODEL_SERVER_WORKERS": "1"},
        }
        usual = {"ExecutionRoleArn": self.role, "PrimaryContainer": container}
        self.client.create_model(ModelName=name, **usual | request)
        return name

    def config(self, *models: str, count: int = 1, kind: str = "ml.m5.large", **request) -> str:
        """An endpoint configuration with a variant for each model, `v0`, `v1`, ...; its name."""
        name, instances = self.name(), {"InstanceType": kind, "InitialInstanceCount": count}
        variants = [
            {"VariantName": f"v{number}", "ModelName": model, **instances}
            for number, model in enumerate(models)
        ]
        self.client.create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=variants, **request
        )
        return name

    def capture_config(self, **changes) -> dict:
        return {
            "EnableCapture": True,
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": f"s3://{self.bucket}/capture",
            "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
            "CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"]},
        } | changes

    def create(self, config: str) -> str:
        """An endpoint that may still be starting; its name."""
        name = self.name()
        self.client.create_endpoint(EndpointName=name, EndpointConfigName=config)
        return name

    def settled(self, endpoint: str) -> dict:
        """The endpoint once it is neither Creating nor Updating."""
        return until(
            lambda: self.client.describe_endpoint(EndpointName=endpoint),
            lambda endpoint: endpoint["EndpointStatus"] not in ("Creating", "Updating"),
            60,
        )

    def endpoint(self, config: str) -> str:
        """An endpoint in service; its name."""
        name = self.create(config)
        described = self.settled(name)
        assert described["EndpointStatus"] == "InService", described
        return name

    def delete(self, endpoint: str) -> None:
        self.client.delete_endpoint(EndpointName=endpoint)
        until(
            lambda: self.client.list_endpoints(NameContains=endpoint)["Endpoints"],
            lambda left: not left,
            60,
        )

    def invoke(self, endpoint: str, **request) -> dict:
        """The answer; its body is read into `json`."""
        answer = self.runtime.invoke_endpoint(
            **{"EndpointName": endpoint, "ContentType": PNG, "Body": photo(), **request}
        )
        return {**answer, "json": json.load(answer["Body"])}


@pytest.fixture(scope="session")
def sagemaker(session, workshop):
    return SageMaker(session, workshop)


@pytest.fixture(scope="session")
def bicycle_model(sagemaker):
    """A model that calls everything a bicycle."""
    return sagemaker.model(model_archive("bicycle"))


@pytest.fixture(scope="session")
def motorcycle_model(sagemaker):
    """A model that calls everything a motorcycle."""
    return sagemaker.model(model_archive("motorcycle"))


@pytest.fixture(scope="session")
def endpoint(sagemaker, bicycle_model):
    """An endpoint in service that captures nothing."""
    return sagemaker.endpoint(sagemaker.config(bicycle_model))


def photo() -> bytes:
    """A PNG of 32 x 32."""
    buffer = io.BytesIO()
    Image.new("RGB", (32, 32), "red").save(buffer, "PNG")
    return buffer.getvalue()


def tar(files: dict[str, bytes]) -> bytes:
    """A .tar.gz of these files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, body in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
    return buffer.getvalue()


def untar(body: bytes) -> dict[str, bytes]:
    """The files of a .tar.gz."""
    with tarfile.open(fileobj=io.BytesIO(body)) as archive:
        members = [member for member in archive if member.isfile()]
        return {member.name: archive.extractfile(member).read() for member in members}


MODEL = """
<ir_version: 8, opset_import: ["" : 17]>
constant (uint8[N, 32, 32, 3] images) => (float[N, 2] probabilities)
<int64[1] one = {1}, float nothing = {0.0}, float[2] logits = {LOGITS}> {
    numbers = Cast <to = 1> (images)
    means = ReduceMean <axes = [1, 2, 3], keepdims = 0> (numbers)
    column = Unsqueeze (means, one)
    zeros = Mul (column, nothing)
    sums = Add (zeros, logits)
    probabilities = Softmax <axis = 1> (sums)
}
"""


def model_archive(answer: str) -> bytes:
    """model.tar.gz of a model that gives `answer` a probability of 0.88, whatever it sees."""
    classes = ["bicycle", "motorcycle"]
    logits = "{2.0, 0.0}" if answer == classes[0] else "{0.0, 2.0}"
    model = onnx.parser.parse_model(MODEL.replace("{LOGITS}", logits))
    return tar(
        {
            "model.onnx": model.SerializeToString(),
            "classes.json": json.dumps(classes).encode(),
            "metrics.json": b'{"image_size": 32}',
        }
    )
