"""`make demo`: the whole job, twice."""

import pytest


def test_the_demo_does_the_whole_job(demo):
    first = demo.first
    assert first["classes"] == ["bicycle", "motorcycle"]
    assert first["endpoint"] == "scones-vehicles-dev"
    assert first["accuracy"] > 0.8
    assert first["counts"]["submitted"] == 42
    assert first["counts"]["failed"] == 1
    assert first["counts"]["review"] >= 1
    *_, stranger, bad = first["results"]
    assert stranger["s3_key"].endswith("/images/strangers/000.png")
    assert stranger["status"] == "review"
    assert (bad["s3_key"].rsplit("/")[-1], bad["error"]) == ("dataset.json", "InvalidImage")
    assert first["executionArn"] in demo.said
    assert first["monitoring"] in ("healthy", "violation")
    assert len(first["seconds"]) == 9
    report = demo.folder / "build" / "monitoring" / "report.html"
    assert "</html>" in report.read_text()


@pytest.mark.proof
def test_the_second_time_it_starts_from_what_is_there(demo):
    second, said = demo.run()
    assert second["executionArn"] != demo.first["executionArn"]
    assert second["accuracy"] == demo.first["accuracy"]
    assert second["counts"] == demo.first["counts"]
    assert "0 sent" in said
    assert second["seconds"]["train"] == 0
