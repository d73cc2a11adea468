import pytest
import yaml

from scripts.cli import UserError
from scripts.costs import prices


def test_a_price_is_for_so_many():
    assert prices.load().dollars("step_functions_transition", 5_000_000) == pytest.approx(125)
    assert prices.load().dollars("s3_get", 1_000_000) == pytest.approx(0.40)


def test_tiers_are_gone_through_in_turn():
    """The pricing page's example: 100 million Express workflows of 10 s and 64 MB."""
    gb_seconds = 100_000_000 * 10 * 64 / 1024
    assert prices.load().dollars("express_gb_second", gb_seconds) == pytest.approx(382.97, abs=0.01)


def test_an_amount_within_the_first_tier_costs_the_first_price():
    assert prices.load().dollars("express_gb_second", 3600) == pytest.approx(0.06)


def test_an_instance_without_a_price_is_an_error_that_says_where_to_add_it():
    with pytest.raises(UserError, match=r"ml\.p9\.huge.*prices\.yml"):
        prices.load().hour("ml.p9.huge")


def test_each_price_names_its_page():
    content = yaml.safe_load(prices.FILE.read_text())
    for price in [*content["prices"].values(), content["instances"]]:
        assert price["source"].startswith("https://aws.amazon.com/")
