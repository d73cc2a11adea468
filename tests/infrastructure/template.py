"""Looking into a packaged template."""


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
