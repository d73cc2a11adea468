"""A machine to set up on: folders of its own, and package sources on the loopback interface."""

import base64
import functools
import hashlib
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pip
import pytest

from tests.archives import zipped


def write_wheel(folder: Path, name: str, version: str) -> None:
    """A package that holds one module of its name."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": "",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},sha256={_digest(text)},{len(text)}\n" for path, text in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}-{version}-py3-none-any.whl").write_bytes(zipped(files))


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def index(tmp_path):
    """A function that serves a wheel as an index of one package; gives the index's address."""
    folder = tmp_path / "index"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def serve(name: str, version: str) -> str:
        write_wheel(folder / name, name, version)
        return f"http://127.0.0.1:{server.server_port}"

    yield serve
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def python(tmp_path_factory) -> Path:
    """The Python of an environment below a path with spaces and letters beyond ASCII."""
    venv = tmp_path_factory.mktemp("machine") / "a folder é" / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    (packages,) = venv.glob("lib/python*/site-packages")
    (packages / "pip").symlink_to(Path(pip.__file__).parent)  # installing it would take seconds
    return venv / "bin" / "python"


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """A home folder whose pip.conf sends packages elsewhere and forbids what is done here."""
    home = tmp_path / "home"
    (home / ".config" / "pip").mkdir(parents=True)
    (home / ".config" / "pip" / "pip.conf").write_text(
        f"[global]\nrequire-virtualenv = true\n"
        f"[install]\nuser = true\ntarget = {home}/elsewhere\nprefix = {home}/elsewhere\n"
        f"no-deps = true\ndry-run = true\nfind-links = {home}/wheels\n"
    )
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return home
