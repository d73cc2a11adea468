"""The layer's lock: its versions, and how it is made of pip's reports."""

import json

from setup import lock_layer
from setup.environment import REPOSITORY
from setup.lock_layer import read_pins


def test_the_lock_has_the_versions_that_the_tests_run_with():
    locked = read_pins(lock_layer.LOCK.read_text())
    assert locked >= read_pins(lock_layer.REQUIREMENTS.read_text())
    assert locked <= read_pins((REPOSITORY / "constraints.txt").read_text())


def test_a_report_of_pip_becomes_lines_with_every_hash():
    item = {"metadata": {"name": "My_Package", "version": "1.0"}}
    hashes: dict[str, set[str]] = {}
    for digest in ("b", "a", "b"):
        item["download_info"] = {"archive_info": {"hashes": {"sha256": digest}}}
        for pin, found in lock_layer.read_report(json.dumps({"install": [item]})):
            hashes.setdefault(pin, set()).add(found)
    text = lock_layer.write(hashes).removeprefix(lock_layer.HEAD)
    assert text == "my-package==1.0 \\\n    --hash=sha256:a \\\n    --hash=sha256:b\n"
