"""How the demo ends when it cannot go on."""

import subprocess

import pytest

from scripts import demo
from service import terminal
from setup import environment


def test_a_second_demo_in_the_folder_is_told_of_the_first():
    refused = pytest.raises(terminal.UserError, match="Another demo runs in this folder")
    taken = ("demo", demo.refuse_another)
    with environment.lock(*taken), refused, environment.lock(*taken):
        pass
    with environment.lock(*taken):
        pass


def test_what_a_failed_step_said_is_shown(capfd):
    steps = demo.Steps()
    failing = ("-c", "print('the reason'); raise SystemExit(3)")
    with pytest.raises(terminal.UserError, match="failed, see above"):
        steps.run("classify", "Classify a batch", demo.PYTHON, *failing, capture=True)
    assert "the reason" in capfd.readouterr().out


def test_what_goes_on_is_said_only_where_something_does(monkeypatch):
    assert demo.describe_rest(4599) == "Nothing of it is left running."
    up = subprocess.CompletedProcess("python -m local status", 0)
    monkeypatch.setattr(demo, "local", lambda *_: up)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4599")
    assert "make demo PORT=4599 goes on from there" in demo.describe_rest(4599)
