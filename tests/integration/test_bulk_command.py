"""`python -m scripts.bulk` on the deployed service: what people type, and what they get."""

import csv

import pytest


def bulk(service, *arguments, check: bool = True):
    return service.script("bulk", *arguments, check=check)


def runs(service) -> list[str]:
    machine = service.outputs["ClassifyBulkStateMachineArn"]
    found = service.client("stepfunctions").list_executions(stateMachineArn=machine)
    return [execution["name"] for execution in found["executions"]]


@pytest.fixture(scope="module")
def folder(service, batch, tmp_path_factory):
    """Six photos of the sample batch on this machine, and a file that is no photo."""
    folder = tmp_path_factory.mktemp("photos")
    for place, image in enumerate(batch["images"][:6]):
        (folder / f"{place} é.png").write_bytes(service.read(image["s3_key"]))
    (folder / "broken.jpg").write_bytes(b"no photo")
    return folder


def test_a_prefix_is_classified_by_a_run_whose_results_are_waited_for_and_give_a_table(
    service, batch, tmp_path
):
    prefix = batch["images"][0]["s3_key"].rsplit("/", 1)[0]
    photos = service.keys(f"{prefix}/")
    source = f"s3://{service.bucket}/{prefix}"

    before = runs(service)
    said = bulk(service, "submit", source).stdout
    (name, *_) = runs(service)
    assert name not in before
    assert name in said
    assert f"scripts.bulk results {name}\n" in said

    path = tmp_path / "results.csv"
    bulk(service, "results", name, "--output", path)  # it waits for the end
    said = bulk(service, "status").stdout
    assert "SUCCEEDED" in said
    assert f"100%, {len(photos)} of {len(photos)} photos" in said
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["s3_key"] for row in rows) == sorted(photos)
    assert {row["status"] for row in rows} <= {"accepted", "review"}
    assert all(row["label"] and float(row["confidence"]) > 0 for row in rows)


def test_bulk_and_predict_take_the_same_photos_below_a_prefix(service, batch):
    photo = service.read(batch["images"][0]["s3_key"])
    service.put("tests/mixed/without-an-ending", photo)
    service.put("tests/mixed/a.heic", b"\0\0\0 ftypheic")
    service.put("tests/mixed/empty", b"")
    service.put("tests/mixed-old/a.png", b"")
    source = f"s3://{service.bucket}/tests/mixed"
    submitted = bulk(service, "submit", source, "--wait")
    assert "1 listed, 1 to classify" in submitted.stdout
    assert "SUCCEEDED" in submitted.stdout
    predicted = service.script("predict", source)
    assert f"{source}/without-an-ending" in predicted.stdout
    for done in (submitted, predicted):
        assert f"Passed over: 1 of {source}/ (a HEIC: save it as PNG or JPEG)" in done.stderr
        assert f"Passed over: 1 of {source}/ (no PNG, JPEG or WebP image)" in done.stderr


def test_a_folder_is_uploaded_once(service, folder):
    options = ("--tolerated-failure-percentage", "50")
    earlier = service.keys("bulk/photos/")
    said = bulk(service, "submit", folder, *options, "--wait").stdout
    assert "1 failed" in said
    uploaded = service.keys("bulk/photos/")
    names = sorted(key.rsplit("/", 1)[1] for key in set(uploaded) - set(earlier))
    assert names == [*(f"{place} é.png" for place in range(6)), "broken.jpg"]
    none = ("--tolerated-failure-percentage", "0")
    again = bulk(service, "submit", folder, *none, "--wait", check=False)
    assert "submitted before" in again.stdout
    (line,) = again.stderr.strip().splitlines()
    assert (again.returncode, "ended FAILED" in line) == (1, True)
    assert service.keys("bulk/photos/") == uploaded
    rows = [line.split() for line in bulk(service, "results").stdout.splitlines()]
    assert ["failed", "1", "14.3%"] in rows
