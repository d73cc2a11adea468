"""ci/roles.yml: whom the roles trust, and that they reach one stage alone."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cfnlint.decode import cfn_yaml

from service import config
from tests.infrastructure.conftest import REPOSITORY
from tests.infrastructure.template import UNLIMITED, aslist, of_type, statements

FILE = REPOSITORY / "ci" / "roles.yml"
ROLES = ("DeployRole", "ReportRole", "CloudFormationRole")
# The longest names that `sls deploy` lets through, in a region with the longest name.
VALUES = {
    "AWS::Partition": "aws",
    "AWS::Region": "ap-southeast-1",
    "AWS::AccountId": "111122223333",
    "Repository": "scones/vehicles",
    "Service": config.load()["service"],
    "Stage": "x" * 13,
    "ModelsFrom": "dev",
}
PREFIX = f"{VALUES['Service']}-{VALUES['Stage']}"
# Inline policies of a role, and a managed policy, without white space:
# docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
MOST_INLINE, MOST_MANAGED = 10_240, 6_144

CIS_UNLIMITED = UNLIMITED | {
    "application-autoscaling:DescribeScalableTargets",
    "cloudformation:ValidateTemplate",
    "cloudwatch:DescribeAlarms",
}
CONDITIONS = {"CreatesProvider": False, "TakesModels": True}


def resolve(value):
    """The template with the values of its parameters and conditions in place."""
    if isinstance(value, list):
        return [resolve(each) for each in value]
    if not isinstance(value, dict):
        return value
    if "Fn::Sub" in value:
        return re.sub(r"\$\{(.+?)\}", lambda match: VALUES[match[1]], value["Fn::Sub"])
    if "Fn::If" in value:
        condition, met, otherwise = value["Fn::If"]
        return resolve(met if CONDITIONS[condition] else otherwise)
    return {name: resolve(each) for name, each in value.items()}


@pytest.fixture(scope="module")
def template() -> dict:
    return resolve(cfn_yaml.loads(FILE.read_text()))


@pytest.fixture(scope="module")
def roles(template) -> dict:
    """The roles by logical ID."""
    found = of_type(template["Resources"], "AWS::IAM::Role")
    assert tuple(found) == ROLES
    return found


@pytest.fixture(scope="module")
def allowed(template, roles) -> dict[str, list[dict]]:
    """What each role, and the policy of two of them, says."""
    [report] = of_type(template["Resources"], "AWS::IAM::ManagedPolicy").values()
    inline = {name: role["Policies"] for name, role in roles.items() if "Policies" in role}
    return {
        "ReportPolicy": statements(report),
        **{name: statements({"Policies": policies}) for name, policies in inline.items()},
    }


def test_cfn_lint_finds_nothing():
    cfn_lint = Path(sys.executable).with_name("cfn-lint")
    done = subprocess.run([cfn_lint, FILE], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_parameters_take_what_sls_takes():
    parameters = cfn_yaml.loads(FILE.read_text())["Parameters"]
    assert parameters["Service"]["Default"] == config.load()["service"]
    for stage in ("dev", "production", "pr-17", "Dev", "a--b", "-a", "a_b"):
        fits = re.fullmatch(parameters["Stage"]["AllowedPattern"], stage)
        assert bool(fits) == (config.stage_problem(stage) is None)
    pattern = parameters["Repository"]["AllowedPattern"]
    assert re.fullmatch(pattern, "scones-unlimited/scones.vehicles_2")
    for wrong in ("scones", "scones/*", "*/vehicles", "scones/vehicles:ref", "a/b/c"):
        assert not re.fullmatch(pattern, wrong)


@pytest.mark.parametrize(
    ("role", "environment"), [("DeployRole", VALUES["Stage"]), ("ReportRole", "monitoring")]
)
def test_github_may_assume_a_role_from_one_repository_and_environment_alone(
    roles, role, environment
):
    [statement] = roles[role]["AssumeRolePolicyDocument"]["Statement"]
    issuer = "token.actions.githubusercontent.com"
    assert statement == {
        "Effect": "Allow",
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated": f"arn:aws:iam::111122223333:oidc-provider/{issuer}"},
        "Condition": {
            "StringEquals": {
                f"{issuer}:aud": "sts.amazonaws.com",
                f"{issuer}:sub": f"repo:scones/vehicles:environment:{environment}",
            }
        },
    }


def test_cloudformation_alone_may_assume_its_role(roles):
    [statement] = roles["CloudFormationRole"]["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "cloudformation.amazonaws.com"}


def grants(found: list[dict]) -> set[tuple[str, str]]:
    """Each action with each resource that the statements allow it on."""
    return {
        (action, resource.get("Fn::Sub", str(resource)) if isinstance(resource, dict) else resource)
        for statement in found
        for action in aslist(statement["Action"])
        for resource in aslist(statement["Resource"])
    }


def test_every_action_is_on_the_stages_own_resources_or_cannot_be_limited(allowed):
    other, from_other, stars = f"{VALUES['Service']}-dev", set(), set()
    for role, found in allowed.items():
        for action, resource in grants(found):
            if "*" in action:
                stars.add(action)
            if resource == "*":
                assert action in CIS_UNLIMITED, role
            elif role == "DeployRole" and other in resource:
                from_other.add(action.split(":")[1])
            elif not resource.startswith("{"):
                assert PREFIX in resource or "/aws/sagemaker/TrainingJobs" in resource
    # What is taken from another stage is only read.
    assert from_other == {
        *("DescribeStacks", "DescribeEndpoint", "DescribeEndpointConfig", "DescribeModel"),
        *("DescribeTrainingJob", "GetObject", "ListBucket"),
    }
    assert stars == {
        *("s3:GetBucket*", "s3:Get*Configuration", "s3:PutBucket*", "s3:Put*Configuration")
    }


def test_ci_makes_no_roles_and_cloudformation_only_the_stages(allowed):
    ours = {
        role: {each for each in grants(found) if each[0].startswith("iam:")}
        for role, found in allowed.items()
    }
    assert {action for action, _ in ours["DeployRole"]} == {"iam:PassRole"}
    assert ours["ReportPolicy"] == set()
    account = "arn:aws:iam::111122223333"
    assert {resource for _, resource in ours["CloudFormationRole"]} == {
        f"{account}:role/{PREFIX}-*",
        f"{account}:policy/{PREFIX}-*",
    }


def test_a_role_is_passed_to_a_service_by_name(allowed):
    passed = {
        role: [
            set(aslist(statement["Condition"]["StringEquals"]["iam:PassedToService"]))
            for statement in found
            if statement["Action"] == "iam:PassRole"
        ]
        for role, found in allowed.items()
    }
    assert passed == {
        "ReportPolicy": [],
        "DeployRole": [{"cloudformation.amazonaws.com"}, {"sagemaker.amazonaws.com"}],
        "CloudFormationRole": [
            {f"{name}.amazonaws.com" for name in ("lambda", "states", "events")}
        ],
    }


def test_cloudformations_role_cannot_change_cis(roles):
    names = {name: role["RoleName"] for name, role in roles.items()}
    assert not [name for name in names.values() if name.startswith(VALUES["Service"])]
    # The workflows have one variable, and know this role by its ending.
    assert names["CloudFormationRole"] == f"{names['DeployRole']}-cloudformation"
    assert max(map(len, names.values())) <= 64


def test_the_policies_are_no_longer_than_iam_takes(template, roles):
    def length(document: dict) -> int:
        return len(json.dumps(document, separators=(",", ":")))

    for name, role in roles.items():
        inline = sum(length(policy["PolicyDocument"]) for policy in role.get("Policies", []))
        assert inline < MOST_INLINE, name
    report = template["Resources"]["ReportPolicy"]["Properties"]
    assert length(report["PolicyDocument"]) < MOST_MANAGED


def test_the_daily_report_may_from_github_what_the_stacks_policy_allows(allowed, resources):
    """The roles are there before the stack and its MonitoringPolicy."""

    def key(text: str) -> str:
        """What a resource is within the stage: the keys of a bucket, the kind of a resource."""
        if "Topic" in text or "notifications" in text:
            return "topic"
        if "Bucket" in text or ":s3:::" in text:
            return text.partition("/")[2]
        return re.sub(r"^arn:.*?:([a-z-]+)/.*?(-\*)?$", r"\1\2", text)

    own = statements(resources["MonitoringPolicy"]["Properties"])
    github, stack = (
        {(action, key(resource)) for action, resource in grants(found)}
        for found in (allowed["ReportPolicy"], own)
    )
    assert github == stack
