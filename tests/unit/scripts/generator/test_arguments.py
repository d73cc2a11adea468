import pytest

from scripts.generate import _parser


def parse(*arguments: str):
    return _parser().parse_args(arguments)


def test_help_names_both_commands_and_an_example(capsys):
    with pytest.raises(SystemExit) as left:
        parse("--help")
    assert left.value.code == 0
    said = capsys.readouterr().out
    assert "example: python -m scripts.generate stream" in said
    assert {"stream", "bulk"} <= {line.split()[0] for line in said.splitlines() if line.strip()}


def test_images_default_to_good_ones_without_drift():
    for command in (("stream",), ("bulk", "--images", "5")):
        arguments = parse(*command)
        assert (arguments.stage, arguments.seed) == ("dev", 0)
        assert (arguments.bad, arguments.drift) == (0, None)


@pytest.mark.parametrize(
    "wrong",
    [
        (),
        ("bulk",),
        ("bulk", "--images", "0"),
        ("bulk", "--images", "5", "--rate", "3"),
        ("stream", "--rate", "0"),
        ("stream", "--rate", "nan"),
        ("stream", "--duration", "long"),
        ("stream", "--bad", "1.5"),
        ("stream", "--to", "elsewhere"),
        ("stream", "--drift", "brighter"),
        ("stream", "--seed", "-1"),
        ("stream", "--drawn", "--dataset", "birds"),
    ],
)
def test_wrong_arguments_end_with_exit_code_2(wrong, capsys):
    with pytest.raises(SystemExit) as left:
        parse(*wrong)
    assert left.value.code == 2
    assert "error: " in capsys.readouterr().err
