"""Looking into packaged templates."""

import json
from pathlib import Path

# Actions that AWS limits to no resource, or to none that is known beforehand.
UNLIMITED = {
    "cloudwatch:PutMetricData",
    "ecr:GetAuthorizationToken",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "sagemaker:ListTrainingJobs",
}


def earlier() -> dict:
    """The template as `sls package` made it at commit f48dedd, of which there may be stacks."""
    return json.loads((Path(__file__).parent / "template-f48dedd.json").read_text())


def of_type(resources: dict, kind: str) -> dict:
    return {name: r["Properties"] for name, r in resources.items() if r["Type"] == kind}


def aslist(value) -> list:
    return value if isinstance(value, list) else [value]


def policies(resources: dict) -> dict:
    """The properties of every role and managed policy."""
    return of_type(resources, "AWS::IAM::Role") | of_type(resources, "AWS::IAM::ManagedPolicy")


def statements(role: dict) -> list[dict]:
    """What a role or a managed policy says; no role has the latter, which could allow anything."""
    assert "ManagedPolicyArns" not in role
    documents = [policy["PolicyDocument"] for policy in role.get("Policies", [role])]
    return [statement for d in documents for statement in aslist(d["Statement"])]
