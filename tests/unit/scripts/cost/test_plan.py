import pytest

from scripts.cost import bill, plan

MILLION = 1_000_000


def cost(usage) -> float:
    return bill.make_bill(usage, bill.load_prices()).total


def test_classify_bulk_costs_at_most_80_cents_a_million():
    assert cost(plan.plan_bulk(MILLION)) <= 0.80


@pytest.mark.parametrize("photos", [1, MILLION])
def test_it_answers_at_a_glance_and_line_by_line(photos, capsys):
    plan.show(photos)
    text = capsys.readouterr().out
    header, _, *rows = text.partition("\n\n")[0].splitlines()
    assert header.split() == ["photos,", "by", "use", "classify", "classifyBulk"]
    counts = [int(row.split()[0].replace(",", "")) for row in rows]
    assert counts == sorted({1_000, photos, MILLION})
    for row, count in zip(rows, counts, strict=True):
        shown = [float(each.strip("$").replace(",", "")) for each in row.split()[1:]]
        real = [cost(make(count)) for make in (plan.plan_classify, plan.plan_bulk)]
        assert shown == pytest.approx(real, rel=0.005)
    for words in (f"classify, {photos:,} photos", f"classifyBulk, {photos:,} photos"):
        assert words in text
    assert bill.load_prices().date in text
