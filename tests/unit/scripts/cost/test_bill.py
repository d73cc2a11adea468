import pytest

from scripts.cost import bill
from scripts.cost.bill import Function, Usage
from service.terminal import UserError

USAGE = Usage(
    photos=1_000,
    transitions=2_000,
    functions={"classifyImage": Function(1_000, 10.0, 512, "arm64")},
    s3_gets=1_000,
)


def make(usage: Usage) -> bill.Bill:
    return bill.make_bill(usage, bill.load_prices())


def dollars(made: bill.Bill, item: str) -> list[float]:
    return [line.dollars for line in made.lines if line.item.startswith(item)]


def test_lines_are_amounts_times_prices():
    made = make(USAGE)
    gb_seconds = 10.5 * 0.5  # each invocation is half a millisecond longer, by rounding up
    for item, amounts_of_it in (
        ("Step Functions", [0.05]),
        ("S3", [0.0004]),
        ("Lambda", [0.0002, gb_seconds * 1.33334e-5]),
        ("Express", []),  # which was not used
    ):
        assert dollars(made, item) == pytest.approx(amounts_of_it), item
    assert made.total == pytest.approx(sum(line.dollars for line in made.lines))


def test_small_amounts_have_two_digits_and_no_exponent():
    amounts_shown = [bill.format_amount(each) for each in (3, 1234.5, 12.345, 0.05, 0.000019)]
    assert amounts_shown == ["3", "1,234", "12.35", "0.050", "0.000019"]


def test_a_child_is_billed_in_steps_of_100_ms_and_64_mb():
    assert bill.express_gb_seconds(10, 10 * 0.95) == pytest.approx(10 * 1.1 * 64 / 1024)
    assert bill.express_gb_seconds(0, 0) == 0


def test_an_instance_without_a_price_is_an_error_that_says_where_to_add_it():
    with pytest.raises(UserError, match=r"ml\.p9\.huge.*prices\.yml"):
        bill.load_prices().hour("ml.p9.huge")
