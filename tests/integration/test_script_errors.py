"""A script that cannot do its work says so in one line that tells what to do, and exits 1."""

import importlib
import os
import sys
from types import SimpleNamespace

import pytest

from service import terminal
from tests.drawings import write_cifar_archive

# Each script with the arguments without which it does not start; ARCHIVE stands for a file.
SCRIPTS = {
    "etl": ("--archive", "ARCHIVE"),
    "train": (),
    "deploy_endpoint": (),
    "predict": ("ARCHIVE",),
    "execution_graph": ("my-batch",),
    "bulk": ("status",),
    "generate": ("bulk", "--images", "1"),
    "cost": ("run", "my-batch"),
    "monitor": ("baseline",),
    "serving_image": (),
}


def fails_in_one_line(done, *said: str) -> None:
    assert done.returncode == 1, done
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    for words in said:
        assert words in lines[0]


def module_of(command: str):
    """The module that `python -m scripts.<command>` runs."""
    module = importlib.import_module(f"scripts.{command}")
    packed = hasattr(module, "__path__")
    return importlib.import_module(f"{module.__name__}.__main__") if packed else module


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return write_cifar_archive(tmp_path_factory.mktemp("a") / "cifar.tar.gz", train=10, test=5)


@pytest.fixture(params=SCRIPTS)
def started(request, archive, monkeypatch, capsys):
    """A function that starts a script in this process, with this environment."""

    def start(env: dict[str, str], *more: str) -> SimpleNamespace:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            monkeypatch.delenv(name)
        for name in env:
            monkeypatch.setenv(name, env[name])
        needed = [str(archive) if word == "ARCHIVE" else word for word in SCRIPTS[request.param]]
        monkeypatch.setattr(sys, "argv", [request.param, *needed, *more])
        # A test would spend its time waiting between attempts.
        monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", no_delay)
        with pytest.raises(SystemExit) as left:
            terminal.run(module_of(request.param).main)
        return SimpleNamespace(returncode=left.value.code, stderr=capsys.readouterr().err)

    return start


def no_delay(*_: object) -> float:
    return 0.0


def test_no_stack(service, started):
    fails_in_one_line(started(service.env, "--stage", "nowhere"), "nowhere", "sls deploy")


# What goes wrong before a script has found its stack goes wrong at one place for all.
some = pytest.mark.parametrize("started", ["etl", "predict"], indirect=True)


@some
def test_no_credentials(started):
    env = {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_REGION": "us-east-1",
    }
    fails_in_one_line(started(env), "credentials")


@some
def test_nobody_answers_at_the_endpoint_url(service, started):
    env = {**service.env, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    fails_in_one_line(started(env), "127.0.0.1:9")


def test_a_model_that_is_not_there(service):
    uri = f"s3://{service.bucket}/training/absent/model.tar.gz"
    command = (sys.executable, "-m", "scripts.deploy_endpoint", "--stage", service.stage)
    done = service.run(*command, "--model-data", uri, check=False)
    fails_in_one_line(done, "absent")
