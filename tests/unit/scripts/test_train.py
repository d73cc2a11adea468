import pytest

from scripts.cli import UserError
from scripts.train import report

JOB = {
    "TrainingJobName": "job",
    "TrainingTimeInSeconds": 41,
    "ModelArtifacts": {"S3ModelArtifacts": "s3://bucket/model.tar.gz"},
    "FinalMetricDataList": [
        {"MetricName": "validation_accuracy", "Value": 0.94166},
        {"MetricName": "test_accuracy", "Value": 0.93},
    ],
}


def test_the_report_has_accuracies_seconds_and_the_models_place(capsys):
    report(JOB)
    said = capsys.readouterr().out
    assert "validation 0.9417, test 0.9300" in said
    assert "41 in the training container" in said
    assert "s3://bucket/model.tar.gz" in said


def test_a_job_without_metrics_is_an_error():
    with pytest.raises(UserError, match="validation_accuracy, test_accuracy"):
        report({**JOB, "FinalMetricDataList": []})
