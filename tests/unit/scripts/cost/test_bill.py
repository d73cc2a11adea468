import pytest
import yaml

from scripts.cost import amounts, bill
from scripts.cost.amounts import Endpoint, Function, Usage
from service import terminal
from service.terminal import UserError

USAGE = Usage(
    photos=1_000,
    transitions=2_000,
    functions={"classifyImage": Function(1_000, 10.0, 512, "arm64")},
    s3_gets=1_000,
    endpoint=Endpoint("ml.c5.large", 2, 1_800),
)


def make(usage: Usage) -> bill.Bill:
    return bill.make_bill(usage, bill.load_prices())


def dollars(made: bill.Bill, item: str) -> list[float]:
    return [line.dollars for line in made.lines if line.item.startswith(item)]


def test_lines_are_amounts_times_prices():
    made = make(USAGE)
    assert dollars(made, "Step Functions") == [pytest.approx(0.05)]
    assert dollars(made, "S3") == [pytest.approx(0.0004)]
    gb_seconds = 10.5 * 0.5  # each invocation is half a millisecond longer, by rounding up
    assert dollars(made, "Lambda") == [
        pytest.approx(0.0002),
        pytest.approx(gb_seconds * 1.33334e-5),
    ]


def test_x86_costs_a_quarter_more():
    arm, x86 = (
        make(Usage(photos=1, functions={"f": Function(0, 100, 1024, arch)})).by_use
        for arch in ("arm64", "x86_64")
    )
    assert x86 / arm == pytest.approx(1.25, abs=0.001)


def test_the_endpoint_is_apart():
    made = make(USAGE)
    assert made.endpoint.dollars == pytest.approx(0.102)
    assert made.total == pytest.approx(made.by_use + 0.102)
    assert not dollars(made, "Endpoint, 2")


def test_what_was_not_used_has_no_line():
    assert [line.item for line in make(Usage(photos=1, s3_gets=1)).lines] == ["S3"]


def test_the_table_begins_with_what_costs_most_and_ends_with_the_sums_a_photo():
    lines = terminal.render(make(USAGE).to_table()).splitlines()
    assert lines[2].startswith("Step Functions, Standard")
    assert "2,000  transitions" in lines[2]
    by_use, endpoint, total = lines[-3:]
    assert by_use.split() == ["by", "use", "0.0513", "0.0000513"]
    assert endpoint.endswith("0.1020  0.0001020")
    assert total.split()[-2:] == ["0.1533", "0.0001533"]


def test_small_amounts_have_two_digits_and_no_exponent():
    amounts_shown = [bill.format_amount(each) for each in (3, 1234.5, 12.345, 0.05, 0.000019)]
    assert amounts_shown == ["3", "1,234", "12.35", "0.050", "0.000019"]


def test_a_price_is_for_so_many():
    assert bill.load_prices().dollars("step_functions_transition", 5_000_000) == pytest.approx(125)
    assert bill.load_prices().dollars("s3_get", 1_000_000) == pytest.approx(0.40)


def test_tiers_are_gone_through_in_turn():
    """The pricing page's example: 100 million Express workflows of 10 s and 64 MB."""
    gb_seconds = 100_000_000 * 10 * 64 / 1024
    prices = bill.load_prices()
    assert prices.dollars("express_gb_second", gb_seconds) == pytest.approx(382.97, abs=0.01)
    assert prices.dollars("express_gb_second", 3600) == pytest.approx(0.06)


def test_a_child_is_billed_in_steps_of_100_ms_and_64_mb():
    assert amounts.express_gb_seconds(10, 10 * 0.95) == pytest.approx(10 * 1.1 * 64 / 1024)
    assert amounts.express_gb_seconds(0, 0) == 0


def test_an_instance_without_a_price_is_an_error_that_says_where_to_add_it():
    with pytest.raises(UserError, match=r"ml\.p9\.huge.*prices\.yml"):
        bill.load_prices().hour("ml.p9.huge")


def test_each_price_names_its_page():
    content = yaml.safe_load(bill.FILE.read_text())
    for price in [*content["prices"].values(), content["instances"]]:
        assert price["source"].startswith("https://aws.amazon.com/")
