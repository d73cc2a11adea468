import io
import json

import numpy as np
import pytest

from model.training.evaluation import Answers, judge
from scripts.train import folds
from service import datasets
from service.jobs import Job
from service.labelled_images import Source, Strangers
from service.terminal import UserError
from tests.labelled import pixels, rows
from tests.unit.service.memory_s3 import MemoryS3
from tests.unit.service.trained import Jobs

CLASSES = ("bicycle", "motorcycle")
HYPERPARAMETERS = {"precision-target": 0.99, "strangers-share": 0.1}
TEST_URI = "s3://bucket/datasets/cifar100-bicycle-motorcycle/arrays/test/"


@pytest.fixture
def s3():
    s3 = MemoryS3()
    strangers = Strangers("other/", rows(50, 2), rows(10, 3))
    source = Source("cifar100", "a test", CLASSES, rows(100, 0), rows(20, 1), strangers)
    datasets.publish(s3, "bucket", source, datasets.split(source))
    return s3


def data(s3: MemoryS3) -> dict:
    return datasets.find(s3, "bucket")


def channel(s3: MemoryS3, uri: str) -> dict:
    body = s3.objects[f"{uri.removeprefix('s3://bucket/')}data.npz"]
    with np.load(io.BytesIO(body)) as arrays:
        return dict(arrays)


def test_each_fold_is_classified_by_a_job_that_trains_on_the_others(s3):
    name = data(s3)["name"]
    parts = [datasets.read_split(s3, "bucket", name, part) for part in ("train", "validation")]
    everything = set().union(*(pixels(rows) for rows, _ in parts))
    test = pixels(channel(s3, TEST_URI)["images"])
    seen, seen_strangers = [], []
    for channels in folds.publish(s3, "bucket", data(s3), 5):
        train, held = (channel(s3, channels[part]) for part in ("train", "validation"))
        trained, fold = (pixels(arrays["images"]) for arrays in (train, held))
        assert trained | fold == everything
        assert not trained & fold
        assert train["classes"].tolist() == held["classes"].tolist() == list(CLASSES)
        assert len(train["strangers"]) == 40
        assert not pixels(train["strangers"]) & pixels(held["strangers"])
        seen_strangers += [image.tobytes() for image in held["strangers"]]
        seen += fold
        # The dataset's test photos take no part.
        assert channels.keys() == {"train", "validation", "test"}
        for uri in channels.values():
            assert not test & pixels(channel(s3, uri)["images"])
    assert len(seen) == len(everything) == 100
    assert sorted(seen_strangers) == sorted(
        image.tobytes() for _, strangers in parts for image in strangers
    )


def test_more_folds_than_photos_of_a_class_are_refused(s3):
    with pytest.raises(UserError, match="50 training photos: too few for 51 folds"):
        folds.publish(s3, "bucket", data(s3), 51)


def test_more_folds_than_strangers_are_refused(s3):
    strangers = Strangers("other/", rows(6, 2), rows(2, 3))
    source = Source("cifar100", "a test", CLASSES, rows(100, 0), rows(20, 1), strangers)
    datasets.publish(s3, "bucket", source, datasets.split(source))
    assert len(folds.publish(s3, "bucket", data(s3), 6)) == 6
    with pytest.raises(UserError, match="6 training strangers: too few for 7 folds"):
        folds.publish(s3, "bucket", data(s3), 7)


def run_study(s3, capsys, job: Job, count: int = 4) -> tuple[Jobs, str]:
    """Jobs whose models are right on nine photos of ten, as sure as that, and refuse strangers."""
    jobs = Jobs(s3)

    def run(job: Job) -> dict:
        held = channel(s3, job.channels["validation"])
        labels = held["labels"]
        wrong = np.arange(len(labels)) % 10 == 9
        predicted = np.where(wrong, 1 - labels, labels)
        logits = np.log([[0.1, 0.1, 1e-6]] * len(labels))
        logits[np.arange(len(labels)), predicted] = np.log(0.9)
        strangers = np.log([[1e-3, 1e-3, 1]] * len(held["strangers"]))
        return jobs.leave(job, {}, {"labels": labels, "logits": logits, "strangers": strangers})

    folds.study(s3, "bucket", job, data(s3), count, run)
    return jobs, capsys.readouterr().out


def job(**channels: str) -> Job:
    return Job("scones-vehicles-dev", {"test": TEST_URI, **channels}, HYPERPARAMETERS)


def test_all_photos_together_are_in_the_report(s3, capsys):
    jobs, said = run_study(s3, capsys, job(), count=5)
    assert [each.name for each in jobs.ran] == [
        f"scones-vehicles-dev-fold-{number}-of-5" for number in range(1, 6)
    ]
    assert all(each.channels["test"] != TEST_URI for each in jobs.ran)
    cells = {line.split()[0]: line.split()[1:] for line in said.splitlines() if line.strip()}
    assert cells["all"][:2] == ["100", "0.9000"]
    assert float(cells["all"][2]) < 0.08
    assert cells["all"][3:] == ["0.0000", "-", "0.0000"]
    assert "a mix of which 10 % are strangers" in said
    assert "No threshold reaches 99 % precision" in said


def test_folds_of_photos_that_the_starter_has_seen_start_from_scratch_and_say_so(s3, capsys):
    jobs, said = run_study(s3, capsys, job())
    assert all("start" not in each.hyperparameters for each in jobs.ran)
    assert "from scratch" not in said
    key = "datasets/cifar100-bicycle-motorcycle/dataset.json"
    mixed = json.loads(s3.objects[key]) | {"source": "cifar10+cifar100"}
    s3.objects[key] = json.dumps(mixed).encode()
    jobs, said = run_study(s3, capsys, job())
    assert {each.hyperparameters["start"] for each in jobs.ran} == {"scratch"}
    assert "from scratch" in said


def test_a_folds_calibration_and_threshold_come_from_the_other_folds():
    rng = np.random.default_rng(0)

    def fold(sureness: float, right: float) -> folds.Fold:
        labels = rng.integers(0, 2, 400)
        hit = rng.random(400) < right
        logits = np.zeros((400, 2))
        logits[np.arange(400), np.where(hit, labels, 1 - labels)] = sureness
        return folds.Fold(labels, logits, np.zeros((0, 2)))

    calm, wild = fold(2.0, 0.88), fold(2.0, 0.60)
    # The other fold is right as often as a logit of 2 says, so nothing is changed: the wild
    # fold's own rows, which would ask for much less, have no say.
    judged = folds.judge_fold([calm, wild], 1, 0.99, 0.1)
    assert judged.answers.probabilities.max() == pytest.approx(0.88, abs=0.03)
    # No threshold of the other fold reaches the target.
    assert not judged.accepted.any()
    assert folds.judge_fold([fold(2.0, 1.0), wild], 1, 0.99, 0.1).accepted.all()


def test_all_folds_together_accept_what_each_accepts():
    def judged(photos: list[bool], strangers: list[bool]) -> folds.Judged:
        answers = Answers(
            np.tile([0.8, 0.1], (len(photos), 1)),
            np.zeros(len(photos), int),
            np.tile([0.1, 0.1], (len(strangers), 1)),
            0.1,
        )
        return folds.Judged(answers, np.array(photos + strangers))

    parts = [judged([True, False], [False]), judged([True, True], [True, False])]
    together = folds.put_together(parts)
    at = judge(together.accepted, together.answers)
    assert at["coverage"] == 0.75
    assert at["strangers"]["accepted"] == pytest.approx(1 / 3)
