"""Nothing overlaps, whatever the states and the ways between them."""

from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.execution_graph.layout import Link, place


@st.composite
def graphs(draw):
    """Boxes reached from box 0 by links of which some have labels and some lead back."""
    count = draw(st.integers(2, 9))
    sizes = {
        node: (draw(st.integers(40, 300)), draw(st.sampled_from([22, 66, 400])))
        for node in range(count)
    }
    ends = {(draw(st.integers(0, node - 1)), node) for node in range(1, count)}
    more = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1))
    ends |= {(a, b) for a, b in draw(st.sets(more, max_size=6)) if a != b and b != 0}
    label = st.sampled_from([(0, 0), (60, 18), (190, 44)])
    links = [Link(a, b, draw(label), draw(st.sampled_from([1, 8]))) for a, b in sorted(ends)]
    return sizes, links


def rectangle(corner, size):
    return (*corner, corner[0] + size[0], corner[1] + size[1])


def overlap(a, b) -> bool:
    return a[0] < b[2] - 0.01 and b[0] < a[2] - 0.01 and a[1] < b[3] - 0.01 and b[1] < a[3] - 0.01


def within(point, a) -> bool:
    return a[0] + 0.1 < point[0] < a[2] - 0.1 and a[1] + 0.1 < point[1] < a[3] - 0.1


def curve(points):
    """Points on the line as it is drawn."""
    for (x, y), (to_x, to_y) in pairwise(points):
        for step in range(21):
            t = step / 20
            yield (
                x + (to_x - x) * (3 * t**2 - 2 * t**3),
                y + (to_y - y) * (1.5 * t * (1 - t) ** 2 + 1.5 * t**2 * (1 - t) + t**3),
            )


@settings(max_examples=30, deadline=None)
@given(graphs())
def test_boxes_and_labels_lie_apart_and_lines_cross_neither(graph):
    sizes, links = graph
    layout = place(sizes, links, 0)
    boxes = {node: rectangle(layout.boxes[node], size) for node, size in sizes.items()}
    labels = [
        rectangle((x - link.label[0] / 2, y - link.label[1] / 2), link.label)
        for link, (x, y) in zip(links, layout.labels, strict=True)
    ]
    placed = [*boxes.values(), *labels]
    assert not any(overlap(a, b) for a, b in combinations(placed, 2))
    for a in placed:
        assert a[0] >= -0.01
        assert a[1] >= -0.01
        assert a[2] <= layout.width + 0.01
        assert a[3] <= layout.height + 0.01
    for index, line in enumerate(layout.lines):
        others = [*boxes.values(), *labels[:index], *labels[index + 1 :]]
        for point in curve(line):
            assert not any(within(point, other) for other in others)


def test_lines_begin_and_end_at_their_boxes():
    sizes = {"a": (100, 50), "b": (60, 50), "c": (60, 50)}
    links = [Link("a", "b", straight=8), Link("b", "c"), Link("a", "c", (40, 18))]
    layout = place(sizes, links, "a")
    for link, line in zip(links, layout.lines, strict=True):
        (x, y), (width, height) = layout.boxes[link.source], sizes[link.source]
        assert line[0][1] == y + height
        assert x < line[0][0] < x + width
        assert line[-1][1] == layout.boxes[link.target][1]


def test_the_straightest_way_is_straight():
    sizes = {"a": (100, 50), "b": (60, 50), "c": (200, 50)}
    layout = place(sizes, [Link("a", "b", straight=8), Link("a", "c")], "a")
    assert layout.lines[0][0][0] == pytest.approx(layout.lines[0][-1][0])
