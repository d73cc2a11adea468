from scripts.train import __main__ as train
from service.stack import Stack

STACK = Stack("bucket", "hosting", "training", "endpoint", "repository", "machine", "bulk", "topic")


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
