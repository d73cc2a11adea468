import itertools
from dataclasses import replace

import pytest

from scripts.studies import jobs as in_turn_module
from scripts.studies import seeds
from scripts.training_job import Job
from tests.unit.scripts.memory_s3 import MemoryS3
from tests.unit.scripts.trained import Jobs

JOB = Job("scones-vehicles-dev", {"train": "s3://bucket/t/"}, {"epochs": 3})


def metrics(accuracy: float, threshold: float | None = 0.9) -> dict:
    covered = (
        {"coverage": 0.8, "precision": 0.98} if threshold else {"coverage": 0.0, "precision": None}
    )
    return {
        "test": {
            "images": 200,
            "accuracy": accuracy,
            "expected_calibration_error": {"after_temperature": 0.02, "by_chance": 0.017},
        },
        "operating_point": {"precision_target": 0.995, "threshold": threshold, "test": covered},
        "seconds": {"training": 12.5},
    }


@pytest.fixture
def jobs(monkeypatch):
    count = itertools.count()
    monkeypatch.setattr(
        in_turn_module,
        "checkpoints_uri",
        lambda bucket, name: f"s3://{bucket}/training/checkpoints/{name}-{next(count)}/",
    )
    return Jobs(MemoryS3())


def study(jobs: Jobs, job: Job, *accuracies: float) -> None:
    answers = iter(accuracies)
    seeds.study(
        jobs.s3,
        "bucket",
        job,
        len(accuracies),
        lambda job: jobs.leave(job, metrics(next(answers))),
    )


def test_each_seed_is_a_job_that_differs_in_nothing_else(jobs):
    study(jobs, JOB, 0.9, 0.9, 0.9)
    assert [job.hyperparameters["seed"] for job in jobs.ran] == [0, 1, 2]
    for job in jobs.ran:
        assert {**job.hyperparameters, "seed": 0} == {"epochs": 3, "seed": 0}
        assert job.channels == JOB.channels
        assert job.checkpoints is None


def test_the_table_has_a_row_a_seed_mean_and_standard_deviation(jobs, capsys):
    study(jobs, JOB, 0.9, 0.92, 0.97)
    lines = capsys.readouterr().out.strip().splitlines()
    cells = {line.split()[0]: line.split()[1:] for line in lines if line.strip()}
    assert cells["2"][:5] == ["0.9700", "0.0200", "0.8000", "0.9800", "0.9000"]
    assert cells["mean"][0] == "0.9300"
    assert cells["±"][0] == "0.0361"
    said = "\n".join(lines)
    for words in ("200 test photos", "99.5 % precision", "0.0170"):
        assert words in said


def test_a_seed_without_a_threshold_covers_nothing():
    outcomes = [seeds.outcome_of(metrics(0.9)), seeds.outcome_of(metrics(0.8, threshold=None))]
    cells = {line.split()[0]: line.split() for line in seeds.report(outcomes).splitlines() if line}
    assert cells["1"][3:6] == ["0.0000", "-", "-"]
    assert cells["mean"][3:6] == ["0.4000", "0.9800", "0.9000"]
    assert cells["±"][4:6] == ["-", "-"]


def test_all_seeds_share_one_pretraining_and_no_checkpoint_folder(jobs):
    study(jobs, replace(JOB, channels={"pretraining": "s3://bucket/p/"}), 0.9, 0.9, 0.9)
    folders = [job.checkpoints for job in jobs.ran]
    assert len(set(folders)) == 3
    for folder in folders:
        key = f"{folder.removeprefix('s3://bucket/')}pretraining.pt"
        assert jobs.s3.objects[key] == b"of job 1"


def test_a_spot_job_has_a_checkpoint_folder_of_its_own(jobs):
    study(jobs, replace(JOB, spot=True), 0.9, 0.9)
    assert len({job.checkpoints for job in jobs.ran}) == 2
    assert not [change for change in jobs.s3.changes if "pretraining" in change]
