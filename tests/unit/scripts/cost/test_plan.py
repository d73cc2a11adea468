import pytest

from scripts.cost import amounts, bill
from scripts.cost.plan import (
    GROUPS,
    _group,
    batch_transform,
    classify_bulk,
    compare,
    make_plans,
    memory_sizes,
    transitions_of_classify,
    transitions_of_classify_bulk,
    transitions_of_course,
)

MILLION = 1_000_000


@pytest.fixture
def bills():
    made = make_plans(MILLION, 200, "arm64")
    return {plan.name: bill.make_bill(plan.usage, bill.load_prices()) for plan in made}


def step_functions(made: bill.Bill) -> float:
    return sum(line.dollars for line in made.lines if "Standard" in line.item)


def test_the_course_pays_five_transitions_an_image(bills):
    assert transitions_of_course(1) == 5
    assert step_functions(bills["course"]) == pytest.approx(125)


def test_a_batch_of_classify_pays_for_its_images_and_for_itself():
    assert transitions_of_classify({"accepted": 2, "review": 1, "failed": 1}) == 7 + 2 * 3 + 4 + 2
    assert transitions_of_classify({}, batches=3) == 21


def test_classify_bulk_pays_a_transition_a_batch(bills):
    assert transitions_of_classify_bulk(11) - transitions_of_classify_bulk(10) == 1
    used = classify_bulk(MILLION, 200, "arm64").usage
    assert used.transitions / MILLION < 0.02


def test_classify_bulk_costs_at_most_80_cents_a_million(bills):
    assert bills["classifyBulk"].per_use <= 0.80
    assert bills["classifyBulk"].times_the_floor < 2


def test_batch_transform_writes_a_file_an_image(bills):
    used = batch_transform(MILLION).usage
    assert (used.s3_gets, used.s3_puts, used.transitions) == (MILLION, MILLION, 0)


def test_larger_batches_cost_less():
    costs = [
        bill.make_bill(classify_bulk(MILLION, size, "arm64").usage, bill.load_prices()).per_use
        for size in (10, 50, 200)
    ]
    assert costs == sorted(costs, reverse=True)


def test_each_function_of_a_design_has_its_memory_in_serverless_yml():
    for plan in make_plans(10, 10, "arm64"):
        for name, function in plan.usage.functions.items():
            assert function.memory_mb == memory_sizes()[name]


def test_a_child_is_billed_in_steps_of_100_ms_and_64_mb():
    assert amounts.express_gb_seconds(10, 10 * 0.95) == pytest.approx(10 * 1.1 * 64 / 1024)
    assert amounts.express_gb_seconds(0, 0) == 0


def test_the_comparison_shows_each_design_and_the_floor():
    text = compare(MILLION, 200, "arm64")
    header, *rows = text.splitlines()
    assert all(name in header for name in ("course", "classify", "classifyBulk", "Batch Transform"))
    assert any(row.startswith("times the floor") for row in rows)
    assert max(map(len, rows)) <= 120


@pytest.mark.parametrize("architecture", ["arm64", "x86_64"])
def test_the_comparison_leaves_out_nothing_that_is_paid_for(architecture):
    for plan in make_plans(MILLION, 200, architecture):
        made = bill.make_bill(plan.usage, bill.load_prices())
        groups = sum(_group(made, prefix) for _, prefix in GROUPS)
        assert groups == pytest.approx(made.per_use)


def test_the_comparison_says_when_the_batch_was_not_measured():
    assert "measured in batches of 200" in compare(1_000, 50, "arm64")
    assert "measured in batches of 200" not in compare(1_000, 200, "arm64")
