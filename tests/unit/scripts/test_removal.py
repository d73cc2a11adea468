"""What `sls remove` says first: that an endpoint is there, and what will stay."""

from types import SimpleNamespace

from scripts import removal
from tests.unit.refusals import refusal
from tests.unit.service.memory_s3 import MemoryS3

NAME = "scones-vehicles-prod"
BUCKET = "the-bucket"


class MemoryLogs:
    """CloudWatch's log groups: of each the bytes and the days that a line is kept."""

    def __init__(self, groups: dict[str, tuple[int, int | None]] | None = None):
        self.groups = groups or {}

    def describe_log_groups(self, logGroupNamePrefix):  # noqa: N803
        groups = [
            {"logGroupName": name, "storedBytes": size, "retentionInDays": days}
            for name, (size, days) in self.groups.items()
            if name.startswith(logGroupNamePrefix)
        ]
        return {"logGroups": groups}


def hosting_on(kind: str | None):
    return SimpleNamespace(endpoint=NAME, instance_type=lambda: kind)


def endpoint_of(count: int) -> dict:
    return {"ProductionVariants": [{"DesiredInstanceCount": count}]}


def test_an_endpoint_is_named_with_what_it_costs_and_how_to_delete_it():
    said = removal.refusal(hosting_on("ml.c5.large"), endpoint_of(2), "prod")
    assert "$149 a month (2 x ml.c5.large)" in said
    assert "sls remove --stage prod --param endpoint=delete" in said
    said = removal.refusal(hosting_on("ml.g5.xlarge"), endpoint_of(1), "prod")
    assert "what 1 x ml.g5.xlarge cost" in said


class Stacks:
    """CloudFormation with one stack, or none where `outputs` is None."""

    def __init__(self, outputs: dict[str, str] | None):
        self.outputs = outputs

    def describe_stacks(self, StackName):  # noqa: N803
        if self.outputs is None:
            raise refusal("ValidationError", f"Stack {StackName} does not exist")
        given = [{"OutputKey": key, "OutputValue": text} for key, text in self.outputs.items()]
        return {"Stacks": [{"Outputs": given} if given else {}]}


def test_of_a_stack_of_an_earlier_version_the_bucket_is_known():
    assert removal.find_bucket(Stacks({"BucketName": BUCKET}), NAME) == BUCKET
    assert removal.find_bucket(Stacks(None), NAME) is None


def test_the_bucket_and_sagemakers_logs_stay():
    s3 = MemoryS3()
    s3.put_object("the-bucket", "incoming/a.jpg", b"photo", "image/jpeg")
    s3.put_object("the-bucket", "incoming/b.jpg", b"another", "image/jpeg")
    jobs, own = "/aws/sagemaker/TrainingJobs", f"/aws/sagemaker/Endpoints/{NAME}"
    logs = MemoryLogs({jobs: (2_500_000, 30), own: (0, None), f"{own}-eu": (9, 9)})
    lines = removal.list_leftovers(s3, logs, BUCKET, NAME)
    assert len(lines) == 5
    assert "the-bucket: 2 objects, 0.00 GB, $0.00 a month" in lines[1]
    assert f"{own}: 0.0 MB, kept for ever" in lines[2]
    assert f"{jobs}: 2.5 MB, lines go after 30 days" in lines[3]


def test_of_very_many_objects_only_the_first_are_counted(monkeypatch):
    monkeypatch.setattr(removal, "MOST_OBJECTS", 2)
    s3 = MemoryS3()
    for number in range(3):
        s3.put_object("the-bucket", f"photo-{number}", b"photo", "image/png")
    assert "more than 3 objects" in removal.list_leftovers(s3, MemoryLogs(), BUCKET, NAME)[1]
