import sys

import pytest
from botocore import exceptions as aws
from s3transfer.exceptions import RetriesExceededError
from urllib3.exceptions import SSLError

from service import terminal
from service.terminal import Waiting
from tests.unit.refusals import refusal


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (terminal.UserError("do\n this"), "do this"),
        (aws.NoCredentialsError(), "python -m local env"),
        (aws.PartialCredentialsError(provider="env", cred_var="x"), "No AWS credentials"),
        (aws.SSOTokenLoadError(error_msg="x"), "No AWS credentials"),
        (aws.ProfileNotFound(profile="mine"), "unset AWS_PROFILE"),
        (aws.EndpointConnectionError(endpoint_url="http://127.0.0.1:9/"), "http://127.0.0.1:9/"),
        (aws.ConnectionClosedError(endpoint_url="http://x/"), "Nothing answers"),
        (aws.SSLError(endpoint_url="https://x/", error="bad"), "Nothing answers"),
        (refusal("ExpiredToken"), "Log in again"),
        (refusal("AccessDenied", "the\nmessage"), "Access denied to PutObject: the message"),
        (refusal("ResourceLimitExceeded"), "PutObject was refused (ResourceLimitExceeded): "),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_a_person_can_mend_is_one_line(error, said):
    line = terminal.explain(error)
    assert said in line
    assert "\n" not in line
    assert terminal.one_line("x" * 600) == "x" * 499 + "…"


def test_a_quota_is_refused_in_awss_words_with_the_region_and_where_to_ask(monkeypatch):
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    said = "The account-level service limit 'ml.m5.xlarge for training job usage' is 0 Instances"
    line = terminal.explain(refusal("ResourceLimitExceeded", said))
    assert f"{said}. Ask AWS for more in eu-west-1: the Service Quotas console" in line
    assert "Spot has a quota of its own" in line


def test_throttling_says_what_is_throttled_and_what_to_do():
    for code in ("Throttling", "TooManyRequestsException", "SlowDown"):
        line = terminal.explain(refusal(code, "Rate exceeded"))
        for words in ("PutObject is throttled", "run this again", "Service Quotas"):
            assert words in line
    for code in ("ResourceLimitExceeded", "ThrottlingException"):
        assert f"({code}): no reason given. " in terminal.explain(refusal(code, ""))


BROKEN_OFF = [
    aws.IncompleteReadError(actual_bytes=1, expected_bytes=2),
    aws.ResponseStreamingError(error="Connection reset by peer"),
    SSLError("bad record mac"),
    RetriesExceededError(ConnectionError("reset")),
]


@pytest.mark.parametrize("error", BROKEN_OFF)
def test_a_download_that_breaks_off_is_to_be_run_again(error):
    line = terminal.explain(error)
    assert line.startswith(f"A download broke off ({type(error).__name__}): ")
    assert line.endswith(". Run this again.")


def raising(error):
    @terminal.command("x", example="")
    def main():
        """Do x."""
        raise error

    return main


def run(main, *arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        terminal.run(main, arguments)
    return left.value.code


ODD_FILE = PermissionError(13, "Permission denied", "a\udc80\x1b.json")


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (terminal.UserError("do this"), 1, "error: do this\n"),
        (ODD_FILE, 1, "error: a\\udc80\\x1b.json: Permission denied.\n"),
        (KeyboardInterrupt(), 130, "Interrupted."),
        (terminal.Interrupted("The job goes on."), 130, "goes on"),
    ],
)
def test_an_error_and_ctrl_c_are_one_line_on_stderr_and_an_exit_code(capsys, error, code, said):
    assert run(raising(error)) == code
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert said in err


@pytest.mark.parametrize("bug", [KeyError("x"), ZeroDivisionError(), OSError()])
def test_a_bug_keeps_its_traceback(bug):
    with pytest.raises(type(bug)):
        terminal.run(raising(bug), [])


def test_a_usage_error_is_one_line_with_a_hint(capsys):
    @terminal.group("x")
    def group():
        """Do x."""

    assert (run(raising(None), "--\x1b[31m"), run(group)) == (2, 2)
    assert capsys.readouterr().err == (
        "error: No such option '--\\x1b[31m'. See python -m scripts.x --help.\n"
        "error: Missing command. See python -m scripts.x --help.\n"
    )


def test_without_a_terminal_each_status_is_a_line_of_its_own(capsys):
    waiting = Waiting("Endpoint")
    for status in ("Creating", "Creating", "Updating"):
        waiting.show(status)
    waiting.clear()
    assert capsys.readouterr().out == "Endpoint   Creating (0 s)\nEndpoint   Updating (0 s)\n"


def test_on_a_terminal_one_line_is_written_over_and_cleared(capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    waiting = Waiting("Endpoint")
    waiting.show("Creating")
    waiting.show("Creating")
    waiting.clear()
    said = capsys.readouterr().out
    assert "\n" not in said
    assert said.split("\r\033[K") == ["", "Endpoint   Creating 0 s", "Endpoint   Creating 0 s", ""]


def test_columns_are_aligned_and_numbers_stand_right():
    header, rows = ("file", "n", "status"), [("a.png", "7", "ok"), ("b", "12", "")]
    assert terminal.render(terminal.table(header, rows, right=(1,), foot=[("all", "19", "")])) == (
        "file    n  status\n"
        "─────────────────\n"
        "a.png   7  ok\n"
        "b      12\n"
        "─────────────────\n"
        "all    19"
    )


def test_names_are_shown_as_they_are_and_never_move_the_cursor():
    name = "[red]日本\udc80\x1b[2J\n\u202e.png"
    shown = "[red]日本\\udc80\\x1b[2J\\n\\u202e.png"
    assert terminal.escape(name) == shown
    assert terminal.render(terminal.table(("file",), [(name,)])).endswith(f"\n{shown}")


def test_what_is_no_terminal_gets_plain_lines_of_any_length(capsys):
    terminal.show(terminal.table(("file", "n"), [("x" * 300, "7")]))
    with terminal.progress_bar("Load", unit="B") as advance:
        advance(10, total=20)
    assert list(terminal.track("ab", "Predict", 2, "photos")) == ["a", "b"]
    out, err = capsys.readouterr()
    assert out.splitlines()[2] == f"{'x' * 300}  7"
    assert "\x1b" not in out
    assert err == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.9996, "1 s"),
        (1.239, "1.24 s"),
        (99.96, "1 min 40 s"),
        (125, "2 min 05 s"),
        (3 * 3600 + 7 * 60, "3 h 07 min"),
        (200_000, "2.3 days"),
    ],
)
def test_a_duration_is_in_the_unit_that_suits_it(seconds, text):
    assert terminal.duration(seconds) == text


def test_the_table_has_a_row_a_photo_and_shows_any_name():
    results = [
        ("a.png", {"status": "accepted", "label": "bicycle", "confidence": 0.97125}),
        ("b.png", {"status": "review", "label": "motorcycle", "confidence": 0.5}),
        (
            "\udcff\x1b[2J[red].png",
            {"status": "failed", "error": "InvalidImage: the file is empty"},
        ),
    ]
    said = terminal.render(terminal.results_table(results)).splitlines()
    assert said[2].split() == ["a.png", "accepted", "bicycle", "0.9712"]
    assert said[3].split() == ["b.png", "review", "motorcycle", "0.5000"]
    assert said[4].split()[0] == r"\udcff\x1b[2J[red].png"
    assert said[4].split(maxsplit=2)[1:] == ["failed", "InvalidImage: the file is empty"]
