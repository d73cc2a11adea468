"""Names that AWS refuses are refused, by its API and in a template."""

import json

import pytest

from local.tests.conftest import reasons_of_rollback
from local.tests.test_iam import document, error_of

TRUST = json.dumps(
    document(
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    )
)
LONG = "r" * 65
TOO_LONG = "failed to satisfy constraint: Member must have length less than or equal to 64"


def test_a_roles_name_has_64_characters(session):
    iam = session.client("iam")
    arguments = {"AssumeRolePolicyDocument": TRUST}
    assert TOO_LONG in error_of(iam.create_role, RoleName=LONG, **arguments)
    assert error_of(iam.create_role, RoleName=LONG[1:], **arguments) == ""


def test_a_repositorys_name_is_lower_case(session):
    ecr = session.client("ecr")
    refused = error_of(ecr.create_repository, repositoryName="Dev-serving")
    assert "InvalidParameterException" in refused
    assert "regular expression" in refused
    assert error_of(ecr.create_repository, repositoryName="dev-serving") == ""


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        ("AWS::IAM::Role", {"RoleName": LONG, "AssumeRolePolicyDocument": json.loads(TRUST)}),
        ("AWS::ECR::Repository", {"RepositoryName": "Dev-serving"}),
        ("AWS::Events::Rule", {"Name": LONG, "EventPattern": {"source": ["aws.s3"]}}),
    ],
)
def test_a_template_with_such_a_name_is_rolled_back(session, workshop, kind, properties):
    reasons = reasons_of_rollback(
        session, workshop.name(), {"Type": kind, "Properties": properties}
    )
    assert any("failed to satisfy constraint" in reason for reason in reasons)
