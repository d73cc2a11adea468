"""retention_days of config.yml, as S3 and ECR get them."""

import json

import yaml

from tests.infrastructure.conftest import REPOSITORY, node

DAYS = yaml.safe_load((REPOSITORY / "config.yml").read_text())["retention_days"]
FIXED = {"bulk/pixels/": 1, "training/checkpoints/": 7}
PROGRAM = """
const retention = require('./plugins/retention.js');
retention({ resolveVariable: async () => JSON.parse(process.argv[1]) })
  .then((made) => console.log(JSON.stringify(made)));
"""


def retention(days: dict) -> dict:
    """What the plugin makes of retention_days."""
    return node(PROGRAM, json.dumps(days))


def expirations(rules: list[dict]) -> dict[str, int]:
    return {rule["Prefix"]: rule["ExpirationInDays"] for rule in rules if "Prefix" in rule}


def test_the_bucket_and_the_repository_have_the_days_of_config_yml(resources):
    rules = resources["Bucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    assert expirations(rules) == expirations(retention(DAYS)["rules"])
    ids = [rule["Id"] for rule in rules]
    assert len(set(ids)) == len(ids)
    text = resources["ServingRepository"]["Properties"]["LifecyclePolicy"]["LifecyclePolicyText"]
    [rule] = json.loads(text)["rules"]
    assert rule["selection"]["tagStatus"] == "untagged"
    assert rule["selection"]["countNumber"] == DAYS["untagged_images"]


def test_what_has_a_number_expires_and_null_keeps_for_ever():
    rules = retention(dict.fromkeys(DAYS, 3))["rules"]
    places = "capture/ monitoring/reports/ generated/ incoming/generated/ incoming/ bulk/results/"
    assert expirations(rules) == dict.fromkeys(places.split(), 3) | FIXED
    made = retention(dict.fromkeys(DAYS))
    assert expirations(made["rules"]) == FIXED
    assert made["images"] == {"Ref": "AWS::NoValue"}
