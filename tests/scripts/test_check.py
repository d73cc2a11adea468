"""`python -m scripts.check`, in a shell that a test puts together."""

import os
import subprocess
from types import SimpleNamespace

import pytest

from scripts import check
from service import terminal
from setup import environment, lock_layer
from tests.programs import write_program

LABELS = ["Region", "Account", "Stage", "Node", "Functions", "Image"]
ASKED = ("python-version", "platform")
GOOD = {"node": "echo v24.1.0", "npm": "", "docker": 'test "$1" = buildx'}


@pytest.fixture
def shell(tmp_path, monkeypatch, no_aws):
    """A function that puts programs, each a shell script, on the PATH, in the place of others."""

    def put(programs: dict[str, str]) -> None:
        for program in tmp_path.iterdir():
            program.unlink()
        for name, script in programs.items():
            write_program(tmp_path / name, script)

    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    put(GOOD)
    return put


@pytest.fixture
def layer(monkeypatch):
    """What pip says about the layer's packages."""
    said = SimpleNamespace(error="", asked=[])

    def run(command, _, problem):
        said.asked.append([command[command.index(f"--{name}") + 1] for name in ASKED])
        if said.error:
            raise environment.SetupError(f"{problem}: {said.error}")

    monkeypatch.setattr(lock_layer, "run", run)
    monkeypatch.setattr(check, "pip_environment", lambda _: {})
    return said


@pytest.fixture
def caller(monkeypatch):
    """Credentials that AWS knows."""
    answer = {"Account": "111122223333", "Arn": "arn:aws:iam::111122223333:user/me"}
    client = SimpleNamespace(get_caller_identity=lambda: answer)
    monkeypatch.setattr(check.Cloud, "client", lambda *_: client)


def run(capsys, *arguments: str) -> tuple[int, dict[str, str], str]:
    """The exit code, the text behind each label, and the errors."""
    code = 0
    try:
        terminal.run(check.main, arguments)
    except SystemExit as end:
        code = end.code
    out, err = capsys.readouterr()
    return code, {line[:11].rstrip(): line[11:] for line in out.splitlines()}, err


def test_a_shell_that_can_deploy_has_six_lines_without_a_fault(shell, layer, caller, capsys):
    code, lines, errors = run(capsys, "--stage", "production")
    assert (code, errors, list(lines)) == (0, "", LABELS)
    assert not [text for text in lines.values() if text.startswith("!!")]
    assert lines["Region"] == "eu-central-1"
    assert lines["Account"] == "111122223333, as arn:aws:iam::111122223333:user/me"
    assert "scones-vehicles-production" in lines["Stage"]
    assert "v24.1.0" in lines["Node"]
    assert layer.asked == [["3.13", "manylinux_2_28_aarch64"]]


@pytest.mark.parametrize(
    ("stage", "said"), [("Dev", "is no stage name"), ("feature-checkout", "at most 13 characters")]
)
def test_a_stage_that_sls_would_refuse_is_said(shell, layer, caller, capsys, stage, said):
    only_fault(run(capsys, "--stage", stage), "Stage", said)


def test_a_region_must_be_named(shell, layer, caller, capsys, monkeypatch):
    monkeypatch.delenv("AWS_REGION")
    code, lines, _ = run(capsys)
    assert code == 1
    assert "export AWS_REGION=" in lines["Region"]
    assert lines["Account"] == "!! not looked at without a region"


def test_credentials_must_be_there(shell, layer, capsys, monkeypatch):
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    only_fault(run(capsys), "Account", "AWS_PROFILE")


@pytest.mark.parametrize(
    ("programs", "label", "said"),
    [
        ({"node": "echo v18.19.0"}, "Node", "install Node ^20.19.0"),
        ({"npm": None}, "Node", "there is no npm"),
        ({"docker": "exit 1"}, "Image", "`docker buildx` does not run; there is no podman"),
        ({"docker": None}, "Image", "Install docker with its plugin buildx, podman or buildah"),
    ],
)
def test_a_program_that_does_not_do_is_said(shell, layer, caller, capsys, programs, label, said):
    shell({name: script for name, script in (GOOD | programs).items() if script is not None})
    only_fault(run(capsys), label, said)


@pytest.mark.parametrize("engine", ["podman", "buildah"])
def test_another_engine_does_as_well(shell, layer, caller, capsys, engine):
    shell(GOOD | {"docker": "exit 1", engine: ""})
    code, lines, _ = run(capsys)
    assert code == 0
    assert f"`make push ENGINE={engine}`" in lines["Image"]


def test_a_layer_that_pip_cannot_fill_is_said(shell, layer, caller, capsys):
    layer.error = "No matching distribution found for pillow==13.0.0"
    only_fault(run(capsys), "Functions", layer.error)


def only_fault(result: tuple[int, dict[str, str], str], label: str, said: str) -> None:
    code, lines, errors = result
    assert code == 1
    assert errors == "error: 1 of 6 checks failed: see the lines with !!\n"
    assert [name for name, text in lines.items() if text.startswith("!!")] == [label]
    assert said in lines[label]


def test_a_bug_is_no_fault_of_the_shell(shell, layer, caller, capsys, monkeypatch):
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run(capsys)
