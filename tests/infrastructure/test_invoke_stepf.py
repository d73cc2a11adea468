"""plugins/invoke-stepf.js: what --data may be. tests/integration/test_commands.py has the rest."""

import json

import pytest

from tests.infrastructure.conftest import REPOSITORY, run_node

PROGRAM = """
const InvokeStepf = require('./plugins/invoke-stepf');
const plugin = new InvokeStepf({ serviceDir: process.argv[1] }, {});
process.stdout.write(plugin.read(process.argv[2]));
"""
BATCH = json.dumps({"images": [{"s3_key": "été.png"}]}, ensure_ascii=False)


@pytest.mark.parametrize("data", [BATCH, "utf-8.json", "@utf-8.json", "utf-8-sig.json"])
def test_data_is_json_or_names_a_file_of_it(tmp_path, data):
    for encoding in ("utf-8", "utf-8-sig"):
        (tmp_path / f"{encoding}.json").write_text(BATCH, encoding=encoding)
    assert run_node(PROGRAM, tmp_path, data).stdout == BATCH


@pytest.mark.parametrize("data", ["nosuch.json", "{", "config.yml"])
def test_data_that_is_neither_json_nor_a_file_of_it_is_one_line_and_exit_1(data):
    done = run_node(PROGRAM, REPOSITORY, data)
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.strip().splitlines()
    assert f"--data {data}" in line
