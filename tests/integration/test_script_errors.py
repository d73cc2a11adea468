"""A script that cannot do its work says so in one line that tells what to do, and exits 1."""

import importlib
import os
import sys
import tarfile
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
    "serving_image": ("push",),
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


def script(name: str, *arguments: str) -> tuple[str, ...]:
    return sys.executable, "-m", f"scripts.{name}", *arguments


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
        # The last of these tests would spend its time waiting between attempts.
        monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", no_delay)
        with pytest.raises(SystemExit) as left:
            terminal.run(module_of(request.param).main)
        return SimpleNamespace(returncode=left.value.code, stderr=capsys.readouterr().err)

    return start


def no_delay(*_: object) -> float:
    return 0.0


def test_no_stack(service, started):
    fails_in_one_line(started(service.env, "--stage", "nowhere"), "nowhere", "sls deploy")


def test_no_credentials(started):
    env = {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_REGION": "us-east-1",
    }
    fails_in_one_line(started(env), "credentials")


def test_nobody_answers_at_the_endpoint_url(service, started):
    env = {**service.env, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    fails_in_one_line(started(env), "127.0.0.1:9")


def etl(service, *arguments: str):
    return service.run(*script("etl", "--stage", service.stage, *arguments), check=False)


def test_a_corrupt_archive(service, tmp_path):
    corrupt = tmp_path / "cifar.tar.gz"
    corrupt.write_bytes(b"\x1f\x8b" + b"not a tar" * 99)
    done = etl(service, "--archive", str(corrupt))
    fails_in_one_line(done, "cifar.tar.gz")


def test_an_archive_of_something_else(service, tmp_path):
    other = tmp_path / "other.tar.gz"
    with tarfile.open(other, "w:gz") as tar:
        tar.add(__file__, "readme.txt")
    done = etl(service, "--archive", str(other))
    fails_in_one_line(done, "other.tar.gz")


def test_an_unknown_class(service, archive):
    done = etl(service, "--archive", str(archive), "--classes", "bicycle,motorcycel")
    fails_in_one_line(done, "motorcycel", "motorcycle")


def test_an_unknown_dataset(service):
    done = service.run(
        *script("train", "--stage", service.stage, "--dataset", "birds"), check=False
    )
    fails_in_one_line(done, "birds")


def test_a_model_that_is_not_there(service):
    uri = f"s3://{service.bucket}/training/absent/model.tar.gz"
    done = service.run(
        *script("deploy_endpoint", "--stage", service.stage, "--model-data", uri), check=False
    )
    fails_in_one_line(done, "absent")


def test_a_photo_that_is_not_there(service, tmp_path):
    done = service.run(
        *script("predict", "--stage", service.stage, str(tmp_path / "absent.png")), check=False
    )
    fails_in_one_line(done, "no file or folder", "absent.png")
