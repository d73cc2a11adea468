import pytest
import yaml

from scripts.cost import bill
from scripts.cost.amounts import Function, Instances, Usage
from service.terminal import UserError

USAGE = Usage(
    images=1_000,
    transitions=2_000,
    functions={"classifyImage": Function(1_000, 10.0, 512, "arm64")},
    s3_gets=1_000,
    instances=Instances("ml.c5.large", 2, 1_800, stand=True),
)


def of(usage: Usage) -> bill.Bill:
    return bill.make_bill(usage, bill.load_prices())


def dollars(made: bill.Bill, item: str) -> list[float]:
    return [line.dollars for line in made.lines if line.item.startswith(item)]


def test_lines_are_amounts_times_prices():
    made = of(USAGE)
    assert dollars(made, "Step Functions") == [pytest.approx(0.05)]
    assert dollars(made, "S3") == [pytest.approx(0.0004)]
    gb_seconds = 10.5 * 0.5  # each invocation is half a millisecond longer, by rounding up
    assert dollars(made, "Lambda") == [
        pytest.approx(0.0002),
        pytest.approx(gb_seconds * 1.33334e-5),
    ]


def test_x86_costs_a_quarter_more():
    arm, x86 = (
        of(Usage(images=1, functions={"f": Function(0, 100, 1024, arch)})).per_use
        for arch in ("arm64", "x86_64")
    )
    assert x86 / arm == pytest.approx(1.25, abs=0.001)


def test_the_endpoint_is_apart():
    made = of(USAGE)
    assert made.endpoint.dollars == pytest.approx(0.102)
    assert made.total == pytest.approx(made.per_use + 0.102)
    assert not dollars(made, "Endpoint, 2")


def test_instances_of_a_job_are_part_of_what_is_used():
    made = of(Usage(images=1, instances=Instances("ml.m5.large", 1, 3_600, stand=False)))
    assert made.endpoint is None
    assert made.per_use == pytest.approx(0.115)


def test_shares_add_up_to_one():
    made = of(USAGE)
    assert sum(map(made.share, made.lines)) == pytest.approx(1)


def test_the_floor_is_one_get_an_image():
    made = of(Usage(images=500, s3_gets=1_000))
    assert made.floor == pytest.approx(0.0002)
    assert made.times_the_floor == pytest.approx(2)
    assert made.per_million(made.per_use) == pytest.approx(0.80)


def test_what_was_not_used_has_no_line():
    assert [line.item for line in of(Usage(images=1, s3_gets=1)).lines] == ["S3"]


def test_the_table_begins_with_what_costs_most():
    first, *_ = of(USAGE).render().splitlines()[2:]
    assert first.startswith("Step Functions, Standard")
    assert "2,000  transitions" in first


def test_a_bar_has_eighths_of_a_character():
    assert bill.bar(1) == "█" * bill.BAR_WIDTH
    assert bill.bar(0.55) == "█████▌"
    assert bill.bar(0) == ""


def test_a_price_is_for_so_many():
    assert bill.load_prices().dollars("step_functions_transition", 5_000_000) == pytest.approx(125)
    assert bill.load_prices().dollars("s3_get", 1_000_000) == pytest.approx(0.40)


def test_tiers_are_gone_through_in_turn():
    """The pricing page's example: 100 million Express workflows of 10 s and 64 MB."""
    gb_seconds = 100_000_000 * 10 * 64 / 1024
    assert bill.load_prices().dollars("express_gb_second", gb_seconds) == pytest.approx(
        382.97, abs=0.01
    )


def test_an_amount_within_the_first_tier_costs_the_first_price():
    assert bill.load_prices().dollars("express_gb_second", 3600) == pytest.approx(0.06)


def test_an_instance_without_a_price_is_an_error_that_says_where_to_add_it():
    with pytest.raises(UserError, match=r"ml\.p9\.huge.*prices\.yml"):
        bill.load_prices().hour("ml.p9.huge")


def test_each_price_names_its_page():
    content = yaml.safe_load(bill.FILE.read_text())
    for price in [*content["prices"].values(), content["instances"]]:
        assert price["source"].startswith("https://aws.amazon.com/")
