"""Scripts on the deployed service: what they do, and that one that cannot says so in one line."""

import dataclasses
import os
import re

import pytest

NO_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
ABSENT = "s3://bucket/training/absent/model.tar.gz"


@pytest.mark.parametrize(
    ("command", "variables", "words"),
    [
        (("bulk", "status", "--stage", "nowhere"), {}, ("nowhere", "sls deploy")),
        (("monitor", "baseline", "--stage", "nowhere"), {}, ("nowhere", "sls deploy")),
        (("execution_graph", "no-such-execution"), {}, ("no-such-execution",)),
        (("train",), NO_CREDENTIALS, ("credentials",)),
        (("deploy_endpoint", "--model-data", ABSENT), {}, ("absent",)),
    ],
)
def test_what_cannot_be_done_is_one_line(service, command, variables, words):
    shell = dataclasses.replace(service, env={**service.env, **variables})
    failed = shell.script(*command, check=False)
    assert failed.returncode == 1, failed
    (line,) = failed.stderr.strip().splitlines()
    for word in words:
        assert word in line


def test_the_smoke_test_gets_an_answer_for_each_class_and_an_error_for_no_photo(service):
    said = service.script("smoke_test").stdout.splitlines()
    ended = {words[0]: words[-3] for line in said if len(words := line.split()) >= 4}
    assert {ended["bicycle"], ended["motorcycle"]} <= {"accepted", "review"}
    assert ["text", "file", "failed", "InvalidImage"] in [line.split() for line in said]


@pytest.mark.proof
def test_the_folds_together_are_all_training_photos(service):
    done = service.script("train", "--folds", "3")
    rows = [line.split() for line in done.stdout.splitlines()]
    photos = {row[0]: row[1] for row in rows if row and row[0] in ("1", "2", "3", "all")}
    assert photos["all"] == "520"
    assert sum(int(photos[fold]) for fold in "123") == 520
    accuracy = next(float(row[2]) for row in rows if row and row[0] == "all")
    assert accuracy > 0.9
    assert re.search(r"Threshold 0\.\d{4} gives 99 % precision", done.stdout)
