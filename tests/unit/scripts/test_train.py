import pytest

from scripts.train import __main__ as train
from scripts.train.__main__ import report
from service.stack import Stack
from service.terminal import UserError

STACK = Stack("bucket", "hosting", "training", "endpoint", "repository", "machine", "bulk", "topic")

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


def test_what_spot_saves_is_told(capsys):
    report({**JOB, "BillableTimeInSeconds": 12})
    assert "12 billed (71% less)" in capsys.readouterr().out


def described(*arguments: str):
    parsed = train._parser().parse_args(arguments)
    return train.describe(STACK, parsed, "cifar100-bicycle-motorcycle")


def test_a_job_gets_the_datasets_channels_and_only_the_options_given():
    job = described("--epochs", "7")
    assert job.name == "scones-vehicles-dev"
    assert job.channels == {
        part: f"s3://bucket/datasets/cifar100-bicycle-motorcycle/arrays/{part}/"
        for part in ("train", "validation", "test")
    }
    assert job.hyperparameters == {"precision-target": 0.99, "epochs": 7}
    assert not job.spot


def test_a_job_without_metrics_is_an_error():
    with pytest.raises(UserError, match="validation_accuracy, test_accuracy"):
        report({**JOB, "FinalMetricDataList": []})
