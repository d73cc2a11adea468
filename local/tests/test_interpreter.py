"""Which Python the functions run on."""

import sys

import pytest

from local import interpreter, settings, shell


@pytest.fixture
def shim(tmp_path, monkeypatch):
    """A first entry of PATH with a program of that name; write its text to `shim`."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(tmp_path))
    named = settings.Settings("python3.99", [], {})
    monkeypatch.setattr(settings, "read", lambda: named)
    program = tmp_path / "python3.99"
    program.touch(mode=0o755)
    return program


def test_one_on_the_path_is_taken(shim):
    shim.write_text("#!/bin/sh\necho 3.99\n")
    found = interpreter.find()
    assert (found.python, found.version) == (shim, "3.99")
    assert "NOT" not in str(found)


@pytest.mark.parametrize("text", ["#!/bin/sh\nexit 1\n", "#!/bin/sh\necho 3.12\n", "no program"])
def test_a_shim_that_fails_is_no_interpreter_and_its_absence_is_said(shim, text):
    shim.write_text(text)
    found = interpreter.find()
    assert found.version == f"{sys.version_info.major}.{sys.version_info.minor}"
    assert "NOT the python3.99 that local.yml names" in str(found)


def test_pip_is_told_where_packages_come_from_and_not_where_to(tmp_path, monkeypatch):
    file = tmp_path / "pip.conf"
    file.write_text("[install]\nuser = true\ntarget = /elsewhere\nfind-links = /wheels\n")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(file))
    monkeypatch.setenv("PIP_TARGET", "/elsewhere")
    monkeypatch.setenv("PIP_TIMEOUT", "7")
    monkeypatch.setenv("PYTHONPATH", "/another/project")
    found = shell.pip_environment(sys.executable)
    assert (found["PIP_FIND_LINKS"], found["PIP_TIMEOUT"]) == ("/wheels", "7")
    assert not {"PIP_USER", "PIP_TARGET", "PYTHONPATH"} & set(found)
    file.write_text("[global\n")
    with pytest.raises(shell.SettingsError, match=r"pip\.conf") as raised:
        shell.pip_environment(sys.executable)
    assert "\n" not in str(raised.value)
