"""The roles of the packaged template: who may do what, for whom, and nothing more."""

import json

import pytest
import yaml

from tests.infrastructure.conftest import REPOSITORY, TEMPLATE, make_package, node
from tests.infrastructure.template import UNLIMITED, aslist, of_type, policies, statements

CONFIG = yaml.safe_load((REPOSITORY / "config.yml").read_text())

TRACING = {
    *("xray:PutTraceSegments", "xray:PutTelemetryRecords"),
    *("xray:GetSamplingRules", "xray:GetSamplingTargets"),
}


def test_every_star_in_a_role_is_one_that_aws_insists_on(resources):
    stars = set()
    for role in policies(resources).values():
        for statement in statements(role):
            actions = set(aslist(statement["Action"]))
            assert not {action for action in actions if "*" in action}
            if "*" in aslist(statement["Resource"]):
                stars |= actions
    assert stars == UNLIMITED | TRACING


# https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html
DISTRIBUTED_MAP = {
    *(f"states:{verb}Execution" for verb in ("Start", "Describe", "Stop", "Redrive")),
    *("s3:PutObject", "s3:GetObject", "s3:ListBucket"),
    *("s3:ListMultipartUploadParts", "s3:AbortMultipartUpload"),
}


def test_every_function_has_a_role_of_its_own(resources):
    functions = of_type(resources, "AWS::Lambda::Function").values()
    assert len({json.dumps(function["Role"]) for function in functions}) == len(functions)


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("SerializeImageDataRole", {"s3:GetObject", "s3:ListBucket", "s3:PutObject"}),
        ("ClassifyImageRole", {"sagemaker:InvokeEndpoint", "s3:GetObject"}),
        ("FilterLowConfidenceRole", set()),
        ("CountResultsRole", {"s3:GetObject"}),
        ("BulkStateMachineRole", {"lambda:InvokeFunction", "sns:Publish", *DISTRIBUTED_MAP}),
    ],
)
def test_whoever_works_on_photos_may_log_trace_and_do_its_one_thing(resources, role, may):
    allowed = statements(resources[role]["Properties"])
    actions = {action for statement in allowed for action in aslist(statement["Action"])}
    assert actions - UNLIMITED - TRACING - {"logs:CreateLogStream", "logs:PutLogEvents"} == may


def test_photos_can_be_read_from_the_buckets_of_the_settings_and_no_others(resources):
    buckets = 1 + len(CONFIG["extra_buckets"])
    for statement in statements(resources["SerializeImageDataRole"]["Properties"]):
        reads = statement["Action"] in ("s3:GetObject", "s3:ListBucket")
        if reads and statement["Effect"] == "Allow":
            assert len(statement["Resource"]) == buckets
            assert statement["Resource"][0]["Fn::Sub"][1] == {"bucket": {"Ref": "Bucket"}}


def test_every_role_is_assumed_by_its_service_for_this_account_alone(resources):
    """docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html"""
    for role in of_type(resources, "AWS::IAM::Role").values():
        [statement] = role["AssumeRolePolicyDocument"]["Statement"]
        assert set(statement["Principal"]) == {"Service"}
        this_account = {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
        assert statement["Condition"] == {"StringEquals": this_account}


def below_bucket(statement: dict) -> set[str]:
    """What of the bucket a statement is about: the keys after its ARN."""
    texts = [resource.get("Fn::Sub") for resource in aslist(statement["Resource"])]
    return {text.removeprefix("${Bucket.Arn}/") for text in texts if isinstance(text, str)}


def reach(resources: dict, role: str, action: str) -> set[str]:
    """The keys on which the role may do that."""
    allowed = statements(resources[role]["Properties"])
    return set().union(*(below_bucket(s) for s in allowed if action in aslist(s["Action"])))


def test_hosting_may_not_write_what_it_serves_and_training_no_captures(resources):
    assert reach(resources, "SageMakerRole", "s3:GetObject") == {"training/*"}
    assert reach(resources, "SageMakerRole", "s3:PutObject") == {"capture/*"}
    assert reach(resources, "TrainingRole", "s3:GetObject") == {"datasets/*", "training/*"}
    assert reach(resources, "TrainingRole", "s3:PutObject") == {"training/*"}


def test_whoever_may_list_the_bucket_may_list_prefixes_of_it(resources):
    for role in policies(resources).values():
        for statement in statements(role):
            if "s3:ListBucket" in aslist(statement["Action"]):
                prefixes = statement["Condition"]["StringLike"]["s3:prefix"]
                # "*/*" and "*.*" are keys that are known; none can be found by these.
                assert not {"", "*"} & set(prefixes)


def test_what_decodes_photos_reads_no_captures_reports_or_models(resources):
    [denied] = [
        statement
        for statement in statements(resources["SerializeImageDataRole"]["Properties"])
        if statement["Effect"] == "Deny" and statement["Action"] == "s3:GetObject"
    ]
    assert below_bucket(denied) == {"capture/*", "monitoring/*", "training/*"}


BOUNDARY = "arn:aws:iam::111122223333:policy/boundary"
BOUND = """
const Plugin = require('./plugins/permissions-boundary.js');
const Resources = JSON.parse(require('node:fs').readFileSync(0));
const provider = { compiledCloudFormationTemplate: { Resources } };
const plugin = new Plugin({ service: { custom: { boundary: process.argv[1] }, provider } });
Object.values(plugin.hooks).forEach((hook) => hook());
console.log(JSON.stringify(Resources));
"""


def boundaries(resources: dict) -> set[str | None]:
    roles = of_type(resources, "AWS::IAM::Role").values()
    return {role.get("PermissionsBoundary") for role in roles}


def test_every_role_of_the_template_gets_the_permissions_boundary_that_is_given(resources):
    assert boundaries(node(BOUND, BOUNDARY, given=resources)) == {BOUNDARY}
    assert boundaries(resources) == {None}


@pytest.mark.proof
def test_a_permissions_boundary_can_be_given_to_sls(tmp_path):
    package = make_package(tmp_path, "--param", f"boundary={BOUNDARY}")
    assert boundaries(json.loads((package / TEMPLATE).read_text())["Resources"]) == {BOUNDARY}
