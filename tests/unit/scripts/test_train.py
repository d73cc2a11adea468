from scripts.train import __main__ as train
from service.stack import Stack

STACK = Stack("bucket", "hosting", "training", "endpoint", "repository", "machine", "bulk", "topic")


def test_a_job_gets_the_datasets_channels_and_only_the_options_given():
    job = train.describe_job(STACK, "dev", "cifar100-bicycle-motorcycle", 7, seed=None, spot=False)
    assert job.name == "scones-vehicles-dev"
    assert job.channels == {
        part: f"s3://bucket/datasets/cifar100-bicycle-motorcycle/arrays/{part}/"
        for part in ("train", "validation", "test")
    }
    mix = {"precision-target": 0.99, "strangers-share": 0.33}
    assert job.hyperparameters == mix | {"epochs": 7}
    assert not job.spot
