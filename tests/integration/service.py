"""The deployed service as a test sees it: commands, boto3 clients, and executions to wait for."""

import hashlib
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import boto3
from botocore.config import Config

STAGE = "dev"  # which the demo deploys


@dataclass(frozen=True)
class Service:
    """`folder` holds the files that it was deployed from, `env` points commands and clients at the
    local cloud, `outputs` are the stack's.
    """

    folder: Path
    env: dict[str, str]
    outputs: dict[str, str]

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess:
        """Run a command as a user would; with `check`, one that fails raises all that it said."""
        done = subprocess.run(
            command, cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=300
        )
        if check and done.returncode:
            raise AssertionError(
                f"{' '.join(command)} exited {done.returncode}\n{done.stdout}\n{done.stderr}"
            )
        return done

    def script(self, name: str, *arguments: object, check: bool = True):
        """Run `python -m scripts.NAME` with the arguments."""
        command = (sys.executable, "-m", f"scripts.{name}", *map(str, arguments))
        return self.run(*command, check=check)

    def client(self, name: str, **config):
        """A boto3 client with the credentials of `env`; `config` as botocore's Config."""
        return self._session.client(
            name, endpoint_url=self.env["AWS_ENDPOINT_URL"], config=Config(**config)
        )

    @cached_property
    def _session(self) -> boto3.Session:
        return boto3.Session(
            aws_access_key_id=self.env["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.env["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=self.env.get("AWS_SESSION_TOKEN"),
            region_name=self.env["AWS_REGION"],
        )

    @contextmanager
    def short_waits(self, share: float = 0.02) -> Iterator[None]:
        """Let Wait states and retries last so much of their time, meanwhile."""
        self._scale_waits(share)
        try:
            yield
        finally:
            self._scale_waits(1)

    def _scale_waits(self, scale: float) -> None:
        asked = {"stepfunctions._SFN_WAIT_SCALE": scale}
        url = f"{self.env['AWS_ENDPOINT_URL']}/_ministack/config"
        with urllib.request.urlopen(url, json.dumps(asked).encode()) as answer:
            assert json.load(answer)["applied"] == asked

    stage = STAGE

    @property
    def bucket(self) -> str:
        return self.outputs["BucketName"]

    def put(self, key: str, body: bytes, bucket: str | None = None) -> dict:
        """Upload bytes and give the image entry of a batch that names them."""
        self.client("s3").put_object(Bucket=bucket or self.bucket, Key=key, Body=body)
        return {"s3_bucket": bucket or self.bucket, "s3_key": key}

    def read(self, key: str, bucket: str | None = None) -> bytes:
        """What the object holds."""
        answer = self.client("s3").get_object(Bucket=bucket or self.bucket, Key=key)
        return answer["Body"].read()

    def keys(self, prefix: str = "", bucket: str | None = None) -> list[str]:
        """The keys of all objects below the prefix."""
        pages = self.client("s3").get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=bucket or self.bucket, Prefix=prefix).search("Contents[].Key")
        return list(filter(None, found))

    def captures(self) -> list[dict]:
        """Every record that Data Capture has written for the endpoint."""
        return self._records(self.keys("capture/"))

    def _records(self, keys: list[str]) -> list[dict]:
        return [json.loads(line) for key in keys for line in self.read(key).splitlines()]

    def outputs_of(self, stack: str) -> dict[str, str]:
        """A stack's outputs."""
        [found] = self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}

    def served_model(self, endpoint: str | None = None) -> dict:
        """The model that an endpoint serves, as a rule the service's, as DescribeModel says."""
        sagemaker = self.client("sagemaker")
        name = endpoint or self.outputs["EndpointName"]
        found = sagemaker.describe_endpoint(EndpointName=name)
        assert found["EndpointStatus"] == "InService"
        config = sagemaker.describe_endpoint_config(EndpointConfigName=found["EndpointConfigName"])
        return sagemaker.describe_model(ModelName=config["ProductionVariants"][0]["ModelName"])

    def served_archive(self, endpoint: str | None = None) -> str:
        """Where the model.tar.gz lies that an endpoint serves."""
        return self.served_model(endpoint)["PrimaryContainer"]["ModelDataUrl"]

    def start(self, batch: dict | list, **options) -> str:
        """Start `classify` and return the execution's ARN."""
        return self._start("ClassifyStateMachineArn", batch, options)

    def start_bulk(self, run: dict, **options) -> str:
        """Start `classifyBulk` and return the execution's ARN."""
        return self._start("ClassifyBulkStateMachineArn", run, options)

    def _start(self, machine: str, given: dict | list, options: dict) -> str:
        return self.client("stepfunctions").start_execution(
            stateMachineArn=self.outputs[machine],
            input=json.dumps(given, ensure_ascii=False),
            **options,
        )["executionArn"]

    def wait(self, execution_arn: str, seconds: float = 120) -> dict:
        """Wait for an execution's end; `output` comes parsed."""
        states = self.client("stepfunctions")
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            execution = states.describe_execution(executionArn=execution_arn)
            if execution["status"] != "RUNNING":
                if "output" in execution:
                    execution["output"] = json.loads(execution["output"])
                return execution
            time.sleep(0.05)
        raise TimeoutError(f"{execution_arn} still runs after {seconds} s")

    def classify_bulk(self, lines: Sequence, **run) -> dict:
        """Run a manifest of these lines to its end and give the execution."""
        body = "".join(f"{json.dumps(line)}\n" for line in lines).encode()
        key = f"bulk/manifests/{hashlib.sha256(body).hexdigest()}.jsonl"
        return self.wait(self.start_bulk({"manifest": self.put(key, body), **run}))

    def bulk_results(self, execution: dict) -> list[dict]:
        """The lines of a run's files for batches that succeeded."""
        manifest = json.loads(self.read(execution["output"]["results"]["s3_key"]))
        return self._records([file["Key"] for file in manifest["ResultFiles"]["SUCCEEDED"]])

    def classify(self, images: Sequence[dict], **batch) -> dict:
        """Run a batch to its end and give the execution."""
        return self.wait(self.start({"images": list(images), **batch}))
