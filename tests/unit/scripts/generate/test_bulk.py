import pytest

from scripts.generate.bulk import find_problem


@pytest.mark.parametrize(
    ("result", "expected", "said"),
    [
        ({"status": "review", "label": "bicycle"}, None, None),
        ({"status": "failed", "error": "InvalidImage"}, "InvalidImage", None),
        ({"status": "accepted"}, "InvalidImage", "a.jpg ended accepted, not InvalidImage"),
        ({"status": "failed", "error": "Denied"}, None, "a.jpg ended Denied, not classified"),
        ({"status": "failed", "error": "Denied"}, "InvalidImage", "a.jpg ended Denied, not Inv"),
    ],
)
def test_a_good_photo_is_to_be_classified_and_a_bad_one_to_fail_by_its_name(result, expected, said):
    problem = find_problem({"s3_key": "a.jpg", **result}, expected)
    assert problem == said or problem.startswith(said)
