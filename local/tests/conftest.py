"""A local cloud for the session, on a free port, and what tests make in it."""

import io
import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
import textwrap
import time
import zipfile
from datetime import datetime, timedelta

import boto3
import pytest
from botocore.config import Config

from local import environment, paths

ACCOUNT = environment.ACCOUNT
_serial = itertools.count()


def pytest_configure() -> None:
    """Let no proxy that the shell names come between the tests and servers on this machine."""
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join(filter(None, (os.environ.get(name), "127.0.0.1,localhost")))


def free_port() -> int:
    """A loopback port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def local(*arguments: str, port: int, env: dict | None = None) -> subprocess.CompletedProcess:
    """Run `python -m local`."""
    return subprocess.run(
        [sys.executable, "-m", "local", *arguments, "--port", str(port)],
        cwd=paths.FOLDER,
        capture_output=True,
        text=True,
        timeout=120,
        env=env,
    )


def clear(port: int) -> None:
    """End the local cloud on that port and remove what it leaves."""
    local("down", port=port)
    shutil.rmtree(paths.home(port), ignore_errors=True)


@pytest.fixture(scope="session")
def port():
    port = free_port()
    started = local("up", port=port)
    assert started.returncode == 0, started.stderr
    yield port
    clear(port)


@pytest.fixture(scope="session")
def cloud(port):
    """The address of a local cloud."""
    return paths.url(port)


class LocalSession(boto3.Session):
    """Clients of the local cloud, whatever the environment says."""

    def __init__(self, url: str):
        super().__init__(
            environment.ACCESS_KEY_ID, environment.SECRET_ACCESS_KEY, region_name="us-east-1"
        )
        self._url = url

    def client(self, *arguments, **options):
        return super().client(*arguments, **{"endpoint_url": self._url, **options})


@pytest.fixture(scope="session")
def session(cloud):
    """A boto3 session that may do anything there, and reaches nothing else."""
    return LocalSession(cloud)


@pytest.fixture(scope="session")
def variables(port):
    """What a shell needs to talk to the local cloud; finding the functions' Python takes time."""
    return environment.shell_variables(port)


@pytest.fixture(autouse=True)
def _shell(request, monkeypatch):
    """The environment of a shell that talks to the local cloud, for what makes its own session."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    if "cloud" not in request.fixturenames:
        return
    for name, value in request.getfixturevalue("variables").items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)


class Workshop:
    """Makes roles, functions and state machines, each under a name of its own."""

    def __init__(self, session: boto3.Session):
        self.iam = session.client("iam")
        self.functions = session.client(
            "lambda", config=Config(retries={"total_max_attempts": 1}, read_timeout=120)
        )
        self.states = session.client("stepfunctions")
        self.formation = session.client("cloudformation")

    def name(self) -> str:
        return f"test-{os.getpid()}-{next(_serial)}"

    def role(self, service: str, *allowed: tuple[str, str], account: str = ACCOUNT) -> str:
        """A role that allows a service, for the account, (action, resource) pairs; its ARN."""
        name = self.name()
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": account}},
        }
        trusts = json.dumps(document(trust))
        role = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusts)["Role"]["Arn"]
        if allowed:
            self.permit(role, *(allow(action, resource) for action, resource in allowed))
        return role

    def permit(self, role: str, *statements: dict) -> None:
        """Give the role a policy of these statements."""
        policy = json.dumps(document(*statements))
        name = role.rsplit("/", 1)[-1]
        self.iam.put_role_policy(RoleName=name, PolicyName=self.name(), PolicyDocument=policy)

    def user(self, *allowed: tuple[str, str]) -> boto3.Session:
        """A session of a user that may do that and no more."""
        name = self.name()
        self.iam.create_user(UserName=name)
        policy = json.dumps(document(*(allow(action, resource) for action, resource in allowed)))
        self.iam.put_user_policy(UserName=name, PolicyName="allow", PolicyDocument=policy)
        key = self.iam.create_access_key(UserName=name)["AccessKey"]
        return boto3.Session(key["AccessKeyId"], key["SecretAccessKey"])

    def deploy(
        self, name: str, resources: dict, change: str = "create", **more: str
    ) -> tuple[str, str]:
        """Create or update a stack; its status when that is over, and the reasons of its events."""
        getattr(self.formation, f"{change}_stack")(
            StackName=name,
            TemplateBody=json.dumps({"Resources": resources}),
            Capabilities=["CAPABILITY_NAMED_IAM"],
            **more,
        )
        status = until(
            lambda: self.formation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"],
            lambda status: not status.endswith("IN_PROGRESS"),
        )
        events = self.formation.describe_stack_events(StackName=name)["StackEvents"]
        return status, " ".join(event.get("ResourceStatusReason", "") for event in events)

    def function(self, source: str, allowed: tuple = (), **configuration) -> str:
        """A function whose module `app` is the source; its ARN."""
        usual = {
            "FunctionName": self.name(),
            "Runtime": "python3.13",
            "Handler": "app.handler",
            "Role": self.role("lambda.amazonaws.com", *allowed),
            "Code": {"ZipFile": archive({"app.py": textwrap.dedent(source)})},
            "Timeout": 20,
        }
        return self.functions.create_function(**usual | configuration)["FunctionArn"]

    def invoke(self, function: str, event: object = None) -> tuple[object, bool]:
        """The function's answer, and whether it failed."""
        answer = self.functions.invoke(FunctionName=function, Payload=json.dumps(event))
        return json.load(answer["Payload"]), "FunctionError" in answer

    def machine(self, definition: dict, *allowed: tuple[str, str]) -> str:
        """A JSONata state machine that may call every function, or what is said; its ARN."""
        role = self.role("states.amazonaws.com", *(allowed or [("lambda:InvokeFunction", "*")]))
        return self.states.create_state_machine(
            name=self.name(),
            roleArn=role,
            definition=json.dumps({"QueryLanguage": "JSONata", **definition}),
        )["stateMachineArn"]

    def run(self, definition: dict, input: object = None, *allowed: tuple[str, str]) -> dict:
        """An execution of such a state machine, ended."""
        arn = self.machine(definition, *allowed)
        return self.wait(
            self.states.start_execution(stateMachineArn=arn, input=json.dumps(input or {}))
        )

    def wait(self, started: dict, seconds: float = 60) -> dict:
        """The execution once it has ended."""
        return until(
            lambda: self.states.describe_execution(executionArn=started["executionArn"]),
            lambda execution: execution["status"] != "RUNNING",
            seconds,
        )


@pytest.fixture(scope="session")
def workshop(session):
    return Workshop(session)


class Metrics:
    """CloudWatch as the tests look at it."""

    def __init__(self, session):
        self.client = session.client("cloudwatch")

    def points(self, metric: str, *statistics: str) -> dict | None:
        """The statistics of `Namespace:Name|Dimension=Value|…` of the last hour."""
        name, *pairs = metric.split("|")
        namespace, name = name.split(":")
        dimensions = [pair.split("=", 1) for pair in pairs]
        now = datetime.now().astimezone()
        found = self.client.get_metric_statistics(
            Namespace=namespace,
            MetricName=name,
            Dimensions=[{"Name": key, "Value": value} for key, value in dimensions],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(hours=1),
            Period=24 * 3600,
            Statistics=statistics,
        )["Datapoints"]
        # A test at midnight sees two days.
        return {each: sum(point[each] for point in found) for each in statistics} if found else None


def until(look, condition, seconds: float = 20):
    """What `look` returns once it meets the condition; fails after that many seconds."""
    deadline = time.monotonic() + seconds
    while not condition(found := look()):
        assert time.monotonic() < deadline, f"after {seconds} s still {found}"
        time.sleep(0.02)
    return found


def archive(files: dict[str, str]) -> bytes:
    """A zip of these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        for name, text in files.items():
            zipped.writestr(name, text)
    return buffer.getvalue()


def task(function: str, **fields) -> dict:
    """A state that calls the function with its input and ends."""
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": function, "Payload": "{% $states.input %}"},
        "Output": "{% $states.result.Payload %}",
        "End": True,
        **fields,
    }


def single(state: dict, **fields) -> dict:
    """A definition of one state."""
    return {"StartAt": "Only", "States": {"Only": state}, **fields}


# The loopback interface counts as TLS: nothing that it carries leaves the machine.
TLS_ONLY = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": "*",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}


def allow(action: str | list, resource: str | list, **more: dict) -> dict:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def document(*statements: dict) -> dict:
    return {"Version": "2012-10-17", "Statement": list(statements)}
