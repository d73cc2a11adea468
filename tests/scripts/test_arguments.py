"""What the commands say of themselves, and refuse before they start."""

import importlib
import os
import re
import signal
import subprocess
import sys

import pytest

from service import terminal

COMMANDS = (
    *("etl", "train", "deploy_endpoint", "serving_image", "check", "removal"),
    *("predict", "smoke_test", "execution_graph", "bulk submit", "bulk status", "bulk results"),
    *("generate stream", "generate bulk", "cost run", "cost plan"),
    *("monitor load", "monitor baseline", "monitor report"),
)


def run(command: str, *arguments: str) -> int:
    """The exit code of the command. For arguments with which it does not start."""
    name = f"scripts.{command}"
    if hasattr(importlib.import_module(name), "__path__"):
        name += ".__main__"
    with pytest.raises(SystemExit) as left:
        terminal.run(importlib.import_module(name).main, arguments)
    return left.value.code


@pytest.mark.parametrize("command", COMMANDS)
def test_help_fits_a_screen_and_has_an_example(command, capsys):
    assert run(*command.split(), "--help") == 0
    said = capsys.readouterr().out
    assert f"example: python -m scripts.{command} " in said
    assert len(said.splitlines()) < 40


@pytest.mark.parametrize(
    "wrong",
    [
        ("train", "--seed", "99999999999999999999"),
        ("train", "--instance-type", "bogus"),
        ("deploy_endpoint", "--model-data", "model.tar.gz"),
        ("deploy_endpoint", "--model-data", "s3://my bucket/x"),
        ("deploy_endpoint", "--autoscale", "4-1"),
        ("deploy_endpoint", "--from-stage", "dev"),
        ("deploy_endpoint", "--from-stage", "test", "--model-data", "s3://bucket/model.tar.gz"),
        ("starter", "--output", ""),
        ("starter", "--output", __file__),
        ("starter", "--archive", "."),
        ("demo", "--port", "70000"),
        ("etl", "--class", "bicycle"),
        ("etl", "--stage", "My_Stage"),
        ("etl", "--folder", ""),
        ("etl", "--folder", ".", "--archive", "cifar.tar.gz"),
        ("etl", "--batch", "."),
        ("etl", "--batch", "absent/batch.json"),
        ("bulk", "submit", "folder", "--threshold", "1.1"),
        ("bulk", "submit", "folder", "--batch-size", "201"),
        ("bulk", "submit", "folder", "--tolerated-failure-percentage", "101"),
        ("bulk", "results", "--output", "results.txt"),
        ("generate", "bulk", "--images", "5", "--folder", ""),
        ("generate", "stream", "--duration", "long"),
        ("generate", "stream", "--bad", "1.5"),
        ("generate", "stream", "--folder", ".", "--dataset", "birds"),
        ("monitor", "load", "--since", "yesterday"),
    ],
    ids=" ".join,
)
def test_wrong_arguments_end_with_exit_code_2(wrong, capsys):
    assert run(*wrong) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"error: .* See python -m scripts\..* --help\.\n", err)


def test_ctrl_c_while_modules_are_imported_is_one_line(tmp_path):
    slow = "import time\nprint('importing', flush=True)\ntime.sleep(60)\n"
    (tmp_path / "click.py").write_text(slow)
    with subprocess.Popen(
        [sys.executable, "-m", "scripts.train"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Processes of pytest-xdist ignore Ctrl-C, and what they start would too.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stdout.readline() == "importing\n"
        process.send_signal(signal.SIGINT)
        assert (process.wait(), process.stderr.read()) == (130, "error: Interrupted.\n")
