from scripts.table import render


def test_columns_are_aligned_and_numbers_stand_right():
    assert render(("file", "n", "status"), [("a.png", "7", "ok"), ("b", "12", "")], right=(1,)) == (
        "file    n  status\n─────  ──  ──────\na.png   7  ok\nb      12"
    )


def test_an_empty_table_is_its_header():
    assert render(("file", "n"), []) == "file  n\n────  ─"


def test_the_foot_stands_below_a_rule():
    assert render(("a", "n"), [("x", "1")], foot=[("all", "1")]) == (
        "a    n\n───  ─\nx    1\n───  ─\nall  1"
    )
