import importlib

import pytest

COMMANDS = ("etl", "train", "deploy_endpoint", "predict")


def parse(command: str, *arguments: str):
    return importlib.import_module(f"scripts.{command}")._parser().parse_args(arguments)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_short_and_has_an_example(command, capsys):
    with pytest.raises(SystemExit) as left:
        parse(command, "--help")
    assert left.value.code == 0
    said = capsys.readouterr().out
    assert "--stage" in said
    assert f"example: python -m scripts.{command} " in said
    assert len(said.splitlines()) < 30


@pytest.mark.parametrize(
    "wrong",
    [
        ("train", "--epochs", "0"),
        ("train", "--epochs", "many"),
        ("train", "--seed", "x"),
        ("train", "--seeds", "1"),
        ("train", "--folds", "1"),
        ("train", "--seeds", "3", "--folds", "3"),
        ("deploy_endpoint", "--model-data", "model.tar.gz"),
        ("predict",),
        ("etl", "--class", "bicycle"),
        ("etl", "--stage", "My_Stage"),
    ],
)
def test_wrong_arguments_end_with_exit_code_2(wrong, capsys):
    with pytest.raises(SystemExit) as left:
        parse(*wrong)
    assert left.value.code == 2
    assert "error: " in capsys.readouterr().err


def test_classes_are_a_list_by_commas():
    assert parse("etl", "--classes", "bus, tank ,").classes == ["bus", "tank"]
    assert parse("etl").classes is None
