import pytest

from scripts.bulk import _parser


def parse(*arguments: str):
    return _parser().parse_args(arguments)


@pytest.mark.parametrize("command", ["submit", "status", "results"])
def test_help_tells_the_stage_and_fits_a_screen(command, capsys):
    with pytest.raises(SystemExit) as left:
        parse(command, "--help")
    assert left.value.code == 0
    said = capsys.readouterr().out
    assert "--stage" in said
    assert len(said.splitlines()) < 35


@pytest.mark.parametrize(
    "wrong",
    [
        (),
        ("submit",),
        ("submit", "folder", "--threshold", "1.1"),
        ("submit", "folder", "--threshold", "nan"),
        ("submit", "folder", "--threshold", "high"),
        ("submit", "folder", "--batch-size", "0"),
        ("submit", "folder", "--batch-size", "201"),
        ("submit", "folder", "--batch-size", "1.5"),
        ("submit", "folder", "--tolerated-failure-percentage", "101"),
        ("submit", "folder", "--tolerated-failure-percentage", "-1"),
        ("status", "one", "two"),
        ("results", "--output", "results.txt"),
    ],
)
def test_wrong_arguments_end_with_exit_code_2(wrong, capsys):
    with pytest.raises(SystemExit) as left:
        parse(*wrong)
    assert left.value.code == 2
    assert "error: " in capsys.readouterr().err


def test_options_keep_their_defaults_to_the_service():
    given = parse("submit", "folder", "--stage", "test")
    assert (given.threshold, given.batch_size, given.tolerated_failure_percentage) == (None,) * 3
    assert (given.again, given.keep_duplicates, given.wait) == (False,) * 3
    assert given.stage == "test"
    given = parse("submit", "f", "--batch-size", "200", "--tolerated-failure-percentage", "0.5")
    assert (given.batch_size, given.tolerated_failure_percentage) == (200, 0.5)
