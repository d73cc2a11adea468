"""Names that AWS refuses are refused in a template."""

import pytest

from local.tests.conftest import document

LONG = "r" * 65
TOO_LONG = "Member must have length less than or equal to 64"


@pytest.mark.parametrize(
    ("kind", "properties", "problem"),
    [
        ("AWS::IAM::Role", {"RoleName": LONG, "AssumeRolePolicyDocument": document()}, TOO_LONG),
        ("AWS::ECR::Repository", {"RepositoryName": "Dev-serving"}, "regular expression"),
        ("AWS::Events::Rule", {"Name": LONG, "EventPattern": {"source": ["aws.s3"]}}, TOO_LONG),
    ],
)
def test_a_template_with_such_a_name_is_rolled_back(workshop, kind, properties, problem):
    resources = {"Resource": {"Type": kind, "Properties": properties}}
    status, reasons = workshop.deploy(workshop.name(), resources)
    assert status == "ROLLBACK_COMPLETE"
    assert problem in reasons
