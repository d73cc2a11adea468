import io
import tarfile

import pytest

from service import jobs
from service.terminal import UserError
from tests.archives import tar
from tests.unit.service.memory_s3 import MemoryS3

JOB = {
    "TrainingJobName": "job",
    "TrainingTimeInSeconds": 41,
    "ModelArtifacts": {"S3ModelArtifacts": "s3://bucket/model.tar.gz"},
    "FinalMetricDataList": [
        {"MetricName": "validation_accuracy", "Value": 0.94166},
        {"MetricName": "test_accuracy", "Value": 0.93},
    ],
}
URI = "s3://bucket/training/job/output/model.tar.gz"


def read_metrics(archive: bytes) -> bytes:
    """What is read of metrics.json in that model.tar.gz."""
    s3 = MemoryS3()
    s3.objects["training/job/output/model.tar.gz"] = archive
    return jobs.read_member(s3, URI, "metrics.json")


@pytest.mark.parametrize("name", ["metrics.json", "./metrics.json"])
def test_a_file_is_read_out_of_the_archive_unless_it_is_too_large(name, monkeypatch):
    assert read_metrics(tar({"other": b"no", name: b"[4]"})) == b"[4]"
    monkeypatch.setattr(jobs, "MEMBER_BYTES", 3)
    with pytest.raises(UserError, match="too many"):
        read_metrics(tar({name: b"four"}))


def test_a_link_is_not_followed():
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        link = tarfile.TarInfo("metrics.json")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    with pytest.raises(UserError, match=r"holds no metrics\.json"):
        read_metrics(file.getvalue())


def test_the_report_has_accuracies_seconds_what_spot_saves_and_the_models_place(capsys):
    jobs.report({**JOB, "BillableTimeInSeconds": 12})
    said = capsys.readouterr().out
    assert "validation 0.9417, test 0.9300" in said
    assert "41 in the training container" in said
    assert "12 billed (71% less)" in said
    assert "s3://bucket/model.tar.gz" in said


def test_a_job_without_metrics_is_an_error():
    with pytest.raises(UserError, match="validation_accuracy, test_accuracy"):
        jobs.report({**JOB, "FinalMetricDataList": []})
