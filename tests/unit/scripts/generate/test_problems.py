import pytest

from scripts.generate.photos import Problems
from service.terminal import UserError


@pytest.mark.parametrize(
    ("result", "expected", "said"),
    [
        ({"status": "accepted"}, "InvalidImage", "a.jpg ended accepted, not InvalidImage"),
        ({"status": "failed", "error": "Denied"}, None, "a.jpg ended Denied, not classified"),
        ({"status": "failed", "error": "Denied"}, "InvalidImage", "a.jpg ended Denied, not Inv"),
        ({"status": "no answer"}, None, "a.jpg ended no answer, not classified"),
        ({"status": "no answer"}, "InvalidImage", "a.jpg ended no answer, not InvalidImage"),
    ],
)
def test_a_photo_that_does_not_end_as_it_should_is_named(result, expected, said):
    problems = Problems()
    problems.check({"s3_key": "b.jpg", "status": "review"}, None)
    problems.check({"s3_key": "c.jpg", "status": "failed", "error": "TooLarge"}, "TooLarge")
    problems.raise_if_any()
    problems.check({"s3_key": "a.jpg", **result}, expected)
    with pytest.raises(UserError, match=f"1 photos did not end as they should: {said}"):
        problems.raise_if_any()
