"""The layer's lock: its versions, and how it is made of pip's reports."""

import json
import re

from setup import lock_layer
from setup.environment import REPOSITORY


def pins(text: str) -> dict[str, str]:
    """Versions by name, each name as an index has it."""
    found = re.findall(r"^([\w.-]+)==([\w.]+)", text, re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in found}


def test_the_lock_has_the_versions_that_the_tests_run_with():
    locked = pins(lock_layer.LOCK.read_text())
    assert locked.items() >= pins(lock_layer.REQUIREMENTS.read_text()).items()
    assert locked.items() <= pins((REPOSITORY / "constraints.txt").read_text()).items()


def test_a_report_of_pip_becomes_lines_with_every_hash():
    item = {"metadata": {"name": "My_Package", "version": "1.0"}}
    hashes: dict[str, set[str]] = {}
    for digest in ("b", "a", "b"):
        item["download_info"] = {"archive_info": {"hashes": {"sha256": digest}}}
        for pin, found in lock_layer.read_report(json.dumps({"install": [item]})):
            hashes.setdefault(pin, set()).add(found)
    text = lock_layer.write(hashes).removeprefix(lock_layer.HEAD)
    assert text == "my-package==1.0 \\\n    --hash=sha256:a \\\n    --hash=sha256:b\n"
