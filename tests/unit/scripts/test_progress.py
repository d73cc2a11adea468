import sys

from scripts.progress import Waiting


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
