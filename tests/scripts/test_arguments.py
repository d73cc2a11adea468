import importlib
import re
import signal
import subprocess
import sys
from types import SimpleNamespace

import click
import pytest

from service import terminal

COMMANDS = (
    "etl",
    "train",
    "deploy_endpoint",
    "serving_image build",
    "serving_image push",
    "removal",
    "predict",
    "execution_graph",
    "bulk submit",
    "bulk status",
    "bulk results",
    "generate stream",
    "generate bulk",
    "cost run",
    "cost plan",
    "monitor load",
    "monitor baseline",
    "monitor report",
)


def parse(command: str, *arguments: str) -> SimpleNamespace:
    """What the command's function would be called with."""
    main = module_of(command).main
    if isinstance(main, click.Group):
        main, *arguments = main.commands[arguments[0]], *arguments[1:]
    return SimpleNamespace(**main.make_context(command, list(arguments)).params)


def run(command: str, *arguments: str) -> int:
    """The exit code of the command. For arguments with which it does not start."""
    main = module_of(command).main
    with pytest.raises(SystemExit) as left:
        terminal.run(main, arguments)
    return left.value.code


def module_of(command: str):
    """The module that parses what stands behind `python -m scripts.<command>`."""
    module = importlib.import_module("monitoring" if command == "monitor" else f"scripts.{command}")
    packed = hasattr(module, "__path__")
    return importlib.import_module(f"{module.__name__}.__main__") if packed else module


@pytest.mark.parametrize("command", COMMANDS)
def test_help_fits_a_screen_and_has_an_example(command, capsys):
    assert run(*command.split(), "--help") == 0
    said = capsys.readouterr().out
    assert "--stage" in said
    assert f"example: python -m scripts.{command} " in said
    assert len(said.splitlines()) < 40


@pytest.mark.parametrize("command", ["bulk", "generate", "cost", "monitor"])
def test_help_of_a_command_with_parts_names_each(command, capsys):
    assert run(command, "--help") == 0
    said = capsys.readouterr().out
    parts = {name.split()[1] for name in COMMANDS if name.startswith(f"{command} ")}
    assert parts <= {
        line.split()[0] for line in said.splitlines() if line.strip() and line.startswith("  ")
    }


@pytest.mark.parametrize(
    "wrong",
    [
        ("train", "--epochs", "0"),
        ("train", "--epochs", "many"),
        ("train", "--seed", "x"),
        ("train", "--seeds", "3"),
        ("train", "--folds", "1"),
        ("train", "--seed", "99999999999999999999"),
        ("train", "--instance-type", "bogus"),
        ("deploy_endpoint", "--model-data", "model.tar.gz"),
        ("deploy_endpoint", "--model-data", "s3://my bucket/x"),
        ("deploy_endpoint", "--autoscale", "4-1"),
        ("serving_image",),
        ("serving_image", "build", "--engine", "nerdctl"),
        ("starter", "--output", ""),
        ("starter", "--output", __file__),
        ("starter", "--archive", ""),
        ("starter", "--archive", "."),
        ("starter", "--archive", "nothing.tar.gz"),
        ("demo", "--port", "70000"),
        ("predict",),
        ("etl", "--class", "bicycle"),
        ("etl", "--stage", "My_Stage"),
        ("etl", "--folder", ""),
        ("etl", "--folder", "absent"),
        ("etl", "--folder", ".", "--archive", "cifar.tar.gz"),
        ("etl", "--batch", "."),
        ("etl", "--batch", "absent/batch.json"),
        ("execution_graph",),
        ("bulk",),
        ("bulk", "submit"),
        ("bulk", "submit", "folder", "--thresh", "0.5"),
        ("bulk", "submit", "folder", "--threshold", "1.1"),
        ("bulk", "submit", "folder", "--batch-size", "0"),
        ("bulk", "submit", "folder", "--batch-size", "201"),
        ("bulk", "submit", "folder", "--tolerated-failure-percentage", "101"),
        ("bulk", "status", "one", "two"),
        ("bulk", "results", "--output", "results.txt"),
        ("generate",),
        ("generate", "bulk"),
        ("generate", "bulk", "--images", "0"),
        ("generate", "bulk", "--images", "5", "--rate", "3"),
        ("generate", "stream", "--rate", "0"),
        ("generate", "stream", "--duration", "long"),
        ("generate", "stream", "--bad", "1.5"),
        ("generate", "stream", "--to", "elsewhere"),
        ("generate", "stream", "--drift", "brighter"),
        ("generate", "stream", "--seed", "-1"),
        ("generate", "stream", "--folder", ".", "--dataset", "birds"),
        ("generate", "bulk", "--images", "5", "--folder", ""),
        ("cost",),
        ("cost", "run"),
        ("cost", "plan", "--images", "0"),
        ("monitor",),
        ("monitor", "load", "--since", "yesterday"),
    ],
)
def test_wrong_arguments_end_with_exit_code_2(wrong, capsys):
    assert run(*wrong) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"error: .* See python -m scripts\..* --help\.\n", err)


def test_a_run_in_bulk_has_the_settings_of_the_service_unless_others_are_asked_for():
    given = parse("bulk", "submit", "folder")
    assert (given.threshold, given.batch_size, given.tolerated_failure_percentage) == (None,) * 3
    assert (given.keep_duplicates, given.wait) == (False, False)


@pytest.mark.parametrize("part", [("stream",), ("bulk", "--images", "5")])
def test_generated_images_are_good_ones_without_drift_unless_others_are_asked_for(part):
    given = parse("generate", *part)
    assert (given.seed, given.bad, given.drift) == (0, 0, None)


def test_ctrl_c_while_modules_are_imported_is_one_line():
    command = [sys.executable, "-X", "importtime", "-m", "scripts.train", "--help"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        while not process.stderr.readline().endswith("| scripts\n"):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        said = [line for line in process.stderr if not line.startswith("import time:")]
    assert (process.returncode, said) == (130, ["error: Interrupted.\n"])
