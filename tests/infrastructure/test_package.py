"""The archives, and the definition of the state machine as exported."""

import json
import subprocess
import zipfile

from tests.infrastructure.conftest import REPOSITORY


def test_function_code_is_small_and_holds_the_handlers_alone(package):
    with zipfile.ZipFile(package / "scones-vehicles.zip") as archive:
        files = archive.infolist()
    assert sum(file.file_size for file in files) < 60_000
    modules = {path.name for path in (REPOSITORY / "handlers").glob("*.py")}
    assert {file.filename for file in files} == {f"handlers/{name}" for name in modules}


def test_the_layer_holds_what_the_functions_need_and_not_what_lambda_has(package):
    with zipfile.ZipFile(package / "pythonDependencies.zip") as archive:
        names = archive.namelist()
    packages = {name.split("/")[1] for name in names}
    assert {"PIL", "aws_lambda_powertools", "jmespath"} <= packages
    assert any("/liblcms2" in name for name in names), "colours of profiles need it"
    assert not packages & {"boto3", "botocore", "bin", "__pycache__"}
    # pip's lists of files, which say where this machine's Python is.
    assert not [name for name in names if name.endswith("/RECORD")]
    # It is for the runtime and the architecture of serverless.yml.
    [binary] = [name for name in names if name.startswith("python/PIL/_imaging.c")]
    assert binary == "python/PIL/_imaging.cpython-313-aarch64-linux-gnu.so"


def test_the_definitions_are_valid_and_their_exports_up_to_date(tmp_path):
    command = ["node", "statemachine/export.js", tmp_path]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)
    committed = {path.name: path for path in (REPOSITORY / "statemachine").glob("*.asl.json")}
    assert {path.name for path in tmp_path.iterdir()} == set(committed)
    for fresh in tmp_path.iterdir():
        old = committed[fresh.name].read_text()
        assert json.loads(fresh.read_text()) == json.loads(old), "npm run export"
    paths = [word for path in tmp_path.iterdir() for word in ("--json-path", path)]
    command = ["node_modules/.bin/asl-validator", *paths]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
