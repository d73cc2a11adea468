"""`python -m local`, and the end of everything that it starts."""

import json
import os
import signal
import socket
import subprocess
import sys

import pytest

from local import __main__, environment, faults, paths, supervisor
from local.tests.conftest import LocalSession, Workshop, clear, free_port, local, until

FOREIGN = {
    "AWS_ACCESS_KEY_ID": "AKIAFOREIGN",
    "AWS_SECRET_ACCESS_KEY": "foreign",
    "AWS_SESSION_TOKEN": "foreign",
    "AWS_PROFILE": "foreign",
    "AWS_ENDPOINT_URL_S3": "https://foreign.example",
    "HTTPS_PROXY": "http://foreign.example",
}


@pytest.fixture
def own_port():
    """A port of its own, where nothing is left afterwards."""
    port = free_port()
    yield port
    clear(port)


def _processes(port: int) -> dict[str, int]:
    return json.loads((paths.home(port) / "processes.json").read_text())


def _with_a_busy_function(port: int) -> None:
    """Leave an invocation running whose own child runs too, both for a minute."""
    workshop = Workshop(LocalSession(paths.url(port)))
    function = workshop.function(
        """
        import subprocess
        def handler(event, context):
            subprocess.run(["sleep", "60"])
        """,
        Timeout=60,
    )
    workshop.functions.invoke(FunctionName=function, InvocationType="Event")
    until(lambda: len(supervisor.members(_processes(port)["server"])), lambda count: count >= 3)


def test_up_answers_and_is_idempotent_and_down_ends_it(own_port):
    """Nothing of the shell reaches a function, and nothing that runs outlives it."""
    first = local("up", port=own_port, env={**os.environ, **FOREIGN})
    assert first.returncode == 0, first.stderr
    assert paths.url(own_port) in first.stdout
    assert "functions run on python3." in first.stdout
    running = _processes(own_port)
    assert local("up", port=own_port).returncode == 0
    assert _processes(own_port) == running
    status = local("status", port=own_port)
    assert (status.returncode, paths.url(own_port) in status.stdout) == (0, True)
    workshop = Workshop(LocalSession(paths.url(own_port)))
    function = workshop.function("import os\ndef handler(event, context): return dict(os.environ)")
    variables, _ = workshop.invoke(function)
    assert not set(FOREIGN.values()) & set(variables.values())
    assert variables["AWS_ACCESS_KEY_ID"].startswith("ASIA")

    _with_a_busy_function(own_port)
    assert local("down", port=own_port).returncode == 0
    assert not supervisor.members(running["server"])
    assert local("status", port=own_port).returncode == 1
    assert local("down", port=own_port).returncode == 0


@pytest.mark.parametrize(
    "arguments",
    [
        *([command, f"--port={port}"] for command in ("up", "down") for port in (0, 99999, "x")),
        *(["up", port] for port in ("--port=-1", "--port=", "--port")),
        ["up", "--unset"],
        ["env", "--json", "--unset"],
        *(["faults", f"--lambda-concurrency={text}"] for text in ("0", "1001", "2.5", "-1", "")),
        *(["faults", f"--lambda-failures={text}"] for text in ("101", "-1", "20%", "nan", "1e1")),
        ["start"],
        [],
    ],
)
def test_a_command_that_cannot_be_is_one_line(arguments, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["local", *arguments])
    with pytest.raises(SystemExit) as refused:
        __main__.main()
    printed = capsys.readouterr()
    assert (refused.value.code, printed.out, printed.err.count("\n")) == (2, "", 1)
    assert "--help" in printed.err
    assert not arguments or arguments[-1].split("=")[0] in printed.err


@pytest.mark.parametrize("command", ["status", "down"])
@pytest.mark.parametrize(
    ("address", "port"),
    [
        ("http://127.0.0.1:4998", 4998),
        ("http://localhost:4998/", 4998),
        ("https://vpce.example.com:4999", 4566),
    ],
)
def test_without_a_port_it_is_the_one_that_the_shell_talks_to_if_that_is_local(
    command, address, port, monkeypatch, capsys
):
    monkeypatch.setenv("AWS_ENDPOINT_URL", address)
    monkeypatch.setattr(supervisor, "is_up", lambda home: False)
    monkeypatch.setattr(sys, "argv", ["local", command])
    __main__.main()
    assert capsys.readouterr().out == f"no local cloud on port {port}\n"


def test_a_port_that_is_taken_is_one_line(own_port):
    with socket.socket() as other:
        other.bind(("127.0.0.1", own_port))
        other.listen()
        refused = local("up", port=own_port)
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert str(own_port) in refused.stderr


def test_only_the_loopback_interface_answers(port):
    with socket.socket() as every, pytest.raises(ConnectionRefusedError):
        every.connect(("127.0.0.2", port))


@pytest.mark.proof
@pytest.mark.parametrize("killed", ["server", "supervisor"])
def test_everything_ends_with_it(own_port, killed):
    local("up", port=own_port)
    _with_a_busy_function(own_port)
    running = _processes(own_port)
    assert local("faults", "--lambda-failures", "100", port=own_port).returncode == 0
    os.kill(running[killed], signal.SIGKILL)
    until(lambda: supervisor.members(running["server"]), lambda left: not left, seconds=10)
    until(lambda: local("status", port=own_port).returncode, lambda code: code == 1)
    assert local("up", port=own_port).returncode == 0
    assert faults.read(paths.home(own_port)) == faults.Faults()


def test_env_is_all_that_a_shell_needs():
    shell = {**os.environ, **FOREIGN}
    code, as_json = (local("env", *form, port=4999, env=shell).stdout for form in ([], ["--json"]))
    evaluated = subprocess.run(
        ["/bin/sh", "-c", f"{code}\nenv"], capture_output=True, text=True, env=shell, check=True
    )
    variables = dict(line.split("=", 1) for line in evaluated.stdout.splitlines() if "=" in line)
    expected = json.loads(as_json)
    assert expected["AWS_ENDPOINT_URL"] == paths.url(4999)
    assert expected["AWS_ACCESS_KEY_ID"] == environment.ACCESS_KEY_ID
    assert "127.0.0.1" in expected["NO_PROXY"].split(",")
    assert expected["LAMBDA_LAYER_PYTHON"].startswith("3.")
    assert expected.items() >= dict.fromkeys(("AWS_SESSION_TOKEN", "AWS_PROFILE")).items()
    assert {name: variables.get(name) for name in expected} == expected
