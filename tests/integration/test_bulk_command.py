"""`python -m scripts.bulk` on the deployed service: what people type, and what they get."""

import csv
import sys

import pytest


def bulk(service, *arguments, check: bool = True):
    command, *rest = map(str, arguments)
    stage = ("--stage", service.stage)
    return service.run(sys.executable, "-m", "scripts.bulk", command, *stage, *rest, check=check)


def fails_in_one_line(done, *said: str) -> None:
    assert done.returncode == 1, done
    (line,) = done.stderr.strip().splitlines()
    for words in said:
        assert words in line


def runs(service) -> list[str]:
    machine = service.outputs["ClassifyBulkStateMachineArn"]
    found = service.client("stepfunctions").list_executions(stateMachineArn=machine)
    return [execution["name"] for execution in found["executions"]]


def keys_below(service, prefix: str) -> list[str]:
    listing = service.client("s3").list_objects_v2(Bucket=service.bucket, Prefix=prefix)
    return [entry["Key"] for entry in listing.get("Contents", [])]


@pytest.fixture(scope="module")
def folder(service, batch, tmp_path_factory):
    """Six photos of the sample batch on this machine, and a file that is no photo."""
    folder = tmp_path_factory.mktemp("photos")
    for place, image in enumerate(batch["images"][:6]):
        answer = service.client("s3").get_object(Bucket=service.bucket, Key=image["s3_key"])
        (folder / f"{place} é.png").write_bytes(answer["Body"].read())
    (folder / "broken.jpg").write_bytes(b"no photo")
    return folder


def test_a_prefix_is_classified_by_a_run_whose_results_are_waited_for_and_give_a_table(
    service, batch, tmp_path
):
    prefix = batch["images"][0]["s3_key"].rsplit("/", 1)[0]
    photos = keys_below(service, f"{prefix}/")
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
    photo = service.client("s3").get_object(Bucket=service.bucket, Key=batch["images"][0]["s3_key"])
    service.put("tests/mixed/without-an-ending", photo["Body"].read())
    service.put("tests/mixed/a.heic", b"\0\0\0 ftypheic")
    service.put("tests/mixed/empty", b"")
    service.put("tests/mixed-old/a.png", b"")
    source = f"s3://{service.bucket}/tests/mixed"
    submitted = bulk(service, "submit", source, "--wait")
    assert "1 listed, 1 to classify" in submitted.stdout
    assert "SUCCEEDED" in submitted.stdout
    module = (sys.executable, "-m", "scripts.predict", "--stage", service.stage)
    predicted = service.run(*module, source)
    assert f"{source}/without-an-ending" in predicted.stdout
    for done in (submitted, predicted):
        assert f"Passed over: 1 of {source}/ (a HEIC: save it as PNG or JPEG)" in done.stderr
        assert f"Passed over: 1 of {source}/ (no PNG, JPEG or WebP image)" in done.stderr


def test_a_folder_is_uploaded_once(service, folder):
    options = ("--tolerated-failure-percentage", "50")
    earlier = keys_below(service, "bulk/photos/")
    said = bulk(service, "submit", folder, *options, "--wait").stdout
    assert "1 failed" in said
    uploaded = keys_below(service, "bulk/photos/")
    names = sorted(key.rsplit("/", 1)[1] for key in set(uploaded) - set(earlier))
    assert names == [*(f"{place} é.png" for place in range(6)), "broken.jpg"]
    none = ("--tolerated-failure-percentage", "0")
    again = bulk(service, "submit", folder, *none, "--wait", check=False)
    assert "submitted before" in again.stdout
    fails_in_one_line(again, "ended FAILED")
    assert keys_below(service, "bulk/photos/") == uploaded
    rows = [line.split() for line in bulk(service, "results").stdout.splitlines()]
    assert ["failed", "1", "14.3%"] in rows
