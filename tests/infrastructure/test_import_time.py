import pytest

from benchmarks.handler_import import BUDGET, HANDLERS, measure


@pytest.mark.proof  # beside other tests it would measure those
@pytest.mark.parametrize("handler", HANDLERS)
def test_importing_a_handler_costs_little_beyond_boto3(handler):
    # Other work on the machine makes every import slower; an import too many still shows.
    assert measure(handler, runs=3)[1] < 3 * BUDGET
