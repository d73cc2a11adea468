"""What the small plugins do: no-proxy, invoke-stepf, removal, retention and readable-buckets.

tests/integration/test_commands.py has the rest of invoke-stepf.
"""

import json

import pytest

from service import config
from tests.infrastructure.conftest import REPOSITORY, node, run_node
from tests.programs import write_program

NO_PROXY = """
const NoProxy = require('./plugins/no-proxy');
new NoProxy();
console.log(JSON.stringify([process.env.https_proxy ?? null, NoProxy.environment().https_proxy]));
"""
PROXY = "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("variables", "seen"),
    [
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}, None),
        ({"AWS_ENDPOINT_URL": "https://vpce.example.com"}, PROXY),
        ({}, PROXY),
    ],
)
def test_osls_sees_no_proxy_where_the_cloud_is_on_this_machine_and_pip_sees_it_always(
    variables, seen
):
    assert node(NO_PROXY, https_proxy=PROXY, **variables) == [seen, PROXY]


READ_DATA = """
const InvokeStepf = require('./plugins/invoke-stepf');
const plugin = new InvokeStepf({ serviceDir: process.argv[1] }, {});
process.stdout.write(plugin.read(process.argv[2]));
"""
BATCH = json.dumps({"images": [{"s3_key": "été.png"}]}, ensure_ascii=False)


@pytest.mark.parametrize("data", [BATCH, "utf-8.json", "@utf-8.json", "utf-8-sig.json"])
def test_data_is_json_or_names_a_file_of_it(tmp_path, data):
    for encoding in ("utf-8", "utf-8-sig"):
        (tmp_path / f"{encoding}.json").write_text(BATCH, encoding=encoding)
    assert run_node(READ_DATA, tmp_path, data).stdout == BATCH


@pytest.mark.parametrize("data", ["nosuch.json", "{", "config.yml"])
def test_data_that_is_neither_json_nor_a_file_of_it_is_one_line_and_exit_1(data):
    done = run_node(READ_DATA, REPOSITORY, data)
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.strip().splitlines()
    assert f"--data {data}" in line


REMOVAL = """
const Removal = require('./plugins/removal');
const serverless = {
  serviceDir: process.argv[1],
  getProvider: () => ({ getStage: () => 'prod', getRegion: () => 'eu-west-1' }),
};
new Removal(serverless, JSON.parse(process.argv[2])).hooks['before:remove:remove']();
console.log('removed');
"""


@pytest.fixture
def remove(tmp_path):
    """A function that runs the hook over a Python that does what a shell script says."""

    def run(script: str, **options):
        write_program(tmp_path / ".venv" / "bin" / "python", script)
        return run_node(REMOVAL, tmp_path, json.dumps(options), AWS_ACCESS_KEY_ID="a-key")

    return run


def test_what_stays_is_said_before_the_stack_goes_by_whoever_looks_where_it_is(remove):
    assert remove('echo "$*"').stdout == "-E -s -m scripts.removal --stage prod\nremoved\n"
    ask = 'echo "$AWS_REGION ${AWS_PROFILE:-none} ${AWS_ACCESS_KEY_ID:-none}"'
    assert remove(ask).stdout.startswith("eu-west-1 none a-key\n")
    assert remove(ask, **{"aws-profile": "team"}).stdout.startswith("eu-west-1 team none\n")


def test_an_endpoint_that_is_there_stops_the_removal_in_one_line(remove):
    done = remove("echo 'error: delete it first' >&2; exit 1")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "error: delete it first\n")


RESOLVED = """
require(`./plugins/${process.argv[1]}.js`)({
  resolveVariable: async () => JSON.parse(process.argv[2])
}).then((made) => console.log(JSON.stringify(made)));
"""
DAYS = config.load()["retention_days"]
FIXED = {"bulk/pixels/": 1, "training/checkpoints/": 7}


def retention(days: dict) -> dict:
    """What is made of retention_days."""
    return node(RESOLVED, "retention", json.dumps(days))


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


def test_extra_buckets_become_arns():
    made = node(RESOLVED, "readable-buckets", json.dumps(["guests"]))
    bucket, arn = {"bucket": "guests"}, "arn:${AWS::Partition}:s3:::${bucket}"
    assert made["objects"][1]["Fn::Sub"] == [f"{arn}/*", bucket]
    assert made["buckets"][1]["Fn::Sub"][0] == arn
    assert made["manifests"][1] == made["objects"][1]
