"""Places boxes in layers from top to bottom, so that neither boxes, labels nor lines overlap.

The method of Sugiyama, Tagawa and Toda (1981): layers by the longest path, lines through layers as
boxes without size, order within layers by barycentres. Positions within them minimize the weighted
lengths sideways, as Gansner et al. do (1993, "A Technique for Drawing Directed Graphs").
"""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.optimize import linprog

from scripts.execution_graph.drawing import Point

GAP = 36  # between boxes side by side
NARROW = 16  # between lines, and between a line and anything else
ABOVE = 24  # room for the curves between layers
PORT = 24  # between lines at one box
SWEEPS = 12

Node = Hashable
Size = tuple[float, float]


@dataclass(frozen=True)
class Link:
    """A line from one box to another, with room for a label of that size near its beginning."""

    source: Node
    target: Node
    label: Size = (0, 0)
    straight: float = 1  # how much it matters that it is


@dataclass(frozen=True)
class Layout:
    """Left top corners of boxes; for each link its line and the middle of its label."""

    width: float
    height: float
    boxes: dict[Node, Point]
    lines: tuple[tuple[Point, ...], ...]
    labels: tuple[Point, ...]


@dataclass
class _Chain:
    """A link's way through the layers, downwards: source, a point in each layer between, target."""

    nodes: list[Node]
    turned: bool


def place(sizes: dict[Node, Size], links: Sequence[Link], start: Node) -> Layout:
    """Lay out boxes of these sizes; all are reached from `start`, and no link leads to itself."""
    turned = _back_links(links, start)
    rank = _ranks(sizes, links, turned)
    sizes = dict(sizes)
    chains = [_chain(index, link, index in turned, rank, sizes) for index, link in enumerate(links)]
    order = _ordered(rank, chains, start)
    ports = _ports(chains, links, order)
    left = _across(order, sizes, chains, links, ports)
    top, height = _down(order, sizes)
    lines, labels = [], []
    for index, chain in enumerate(chains):
        points = _line(chain.nodes, ports[index], rank, sizes, left, top)
        lines.append(tuple(reversed(points)) if chain.turned else tuple(points))
        at = chain.nodes[-2 if chain.turned else 1]
        labels.append((left[at] + sizes[at][0] / 2, top[rank[at]][0] + sizes[at][1] / 2))
    real = [node for node in sizes if not _virtual(node)]
    return Layout(
        max(left[node] + size[0] for node, size in sizes.items()),
        height,
        {node: (left[node], top[rank[node]][0]) for node in real},
        tuple(lines),
        tuple(labels),
    )


def _virtual(node: Node) -> bool:
    return isinstance(node, tuple)


def _back_links(links: Sequence[Link], start: Node) -> set[int]:
    """The links that lead back to where a path from the start has been."""
    out = defaultdict(list)
    for index, link in enumerate(links):
        out[link.source].append(index)
    back, path, done = set(), set(), set()

    def visit(node: Node) -> None:
        path.add(node)
        for index in out[node]:
            target = links[index].target
            if target in path:
                back.add(index)
            elif target not in done:
                visit(target)
        path.remove(node)
        done.add(node)

    visit(start)
    return back


def _ranks(sizes: dict, links: Sequence[Link], turned: set[int]) -> dict[Node, int]:
    """The layer of each box: an even number, since labels have layers of their own between."""
    rank = dict.fromkeys(sizes, 0)
    for _ in sizes:
        for index, link in enumerate(links):
            upper, lower = link.source, link.target
            if index in turned:
                upper, lower = lower, upper
            rank[lower] = max(rank[lower], rank[upper] + 2)
    return rank


def _chain(index: int, link: Link, turned: bool, rank: dict, sizes: dict) -> _Chain:
    upper, lower = (link.target, link.source) if turned else (link.source, link.target)
    between = [(index, layer) for layer in range(rank[upper] + 1, rank[lower])]
    for node in between:
        rank[node], sizes[node] = node[1], (0, 0)
    sizes[between[-1 if turned else 0]] = link.label
    return _Chain([upper, *between, lower], turned)


def _ordered(rank: dict, chains: list[_Chain], start: Node) -> list[list[Node]]:
    """The nodes of each layer from left to right, with as few crossings as the sweeps find."""
    below, above = defaultdict(list), defaultdict(list)
    for chain in chains:
        for upper, lower in pairwise(chain.nodes):
            below[upper].append(lower)
            above[lower].append(upper)
    seen: dict[Node, None] = {}

    def visit(node: Node) -> None:
        if node not in seen:
            seen[node] = None
            for following in below[node]:
                visit(following)

    visit(start)
    for node in rank:
        visit(node)
    layers: list[list[Node]] = [[] for _ in range(max(rank.values()) + 1)]
    for node in seen:
        layers[rank[node]].append(node)
    best, fewest = [list(layer) for layer in layers], _crossings(layers, below)
    for sweep in range(SWEEPS):
        downwards = sweep % 2 == 0
        neighbours = above if downwards else below
        for layer in layers if downwards else reversed(layers):
            place = {node: i for other in layers for i, node in enumerate(other)}
            layer.sort(key=lambda n: np.mean([place[m] for m in neighbours[n]] or [place[n]]))
        if (crossings := _crossings(layers, below)) < fewest:
            best, fewest = [list(layer) for layer in layers], crossings
    return best


def _crossings(layers: list[list[Node]], below: dict) -> int:
    place = {node: i for layer in layers for i, node in enumerate(layer)}
    total = 0
    for layer in layers:
        ends = [(place[node], place[other]) for node in layer for other in below[node]]
        total += sum((a[0] - b[0]) * (a[1] - b[1]) < 0 for a in ends for b in ends) // 2
    return total


def _ports(chains: list[_Chain], links: Sequence[Link], order: list[list[Node]]) -> list[Point]:
    """For each chain how far from the middle of its upper and its lower box it starts and ends.

    The straightest link has the middle, the others lie beside it in the order of their next nodes.
    """
    place = {node: i for layer in order for i, node in enumerate(layer)}
    offsets = [[0.0, 0.0] for _ in chains]
    for end, (own, other) in enumerate(((0, 1), (-1, -2))):
        groups = defaultdict(list)
        for index, chain in enumerate(chains):
            groups[chain.nodes[own]].append(index)
        for group in groups.values():
            group.sort(key=lambda index: place[chains[index].nodes[other]])
            weights = [links[index].straight for index in group]
            alone = weights.count(max(weights)) == 1
            middle = weights.index(max(weights)) if alone else (len(group) - 1) / 2
            for i, index in enumerate(group):
                offsets[index][end] = (i - middle) * PORT
    return [tuple(pair) for pair in offsets]


def _across(order, sizes, chains, links, ports) -> dict[Node, float]:
    """The left side of each node: least weighted distance sideways along all chains."""
    index = {node: i for i, node in enumerate(node for layer in order for node in layer)}
    pieces = []
    for chain, link, (out, into) in zip(chains, links, ports, strict=True):
        for i, (upper, lower) in enumerate(pairwise(chain.nodes)):
            shift = out * (i == 0) - into * (i == len(chain.nodes) - 2)
            # A line had better bend but once, right where it leaves its box.
            weight = link.straight * (4 if _virtual(upper) else 1)
            pieces.append((index[upper], index[lower], shift, weight))
    n, m = len(index), len(pieces)
    rows, bounds = [], []
    for i, (upper, lower, shift, _) in enumerate(pieces):
        for sign in (1, -1):
            row = np.zeros(n + m)
            row[upper], row[lower], row[n + i] = sign, -sign, -1
            rows.append(row)
            bounds.append(-sign * shift)
    for layer in order:
        for a, b in pairwise(layer):
            row = np.zeros(n + m)
            row[index[a]], row[index[b]] = 1, -1
            rows.append(row)
            gap = NARROW if _virtual(a) or _virtual(b) else GAP
            bounds.append(-(sizes[a][0] + sizes[b][0]) / 2 - gap)
    cost = np.concatenate([np.full(n, 1e-6), [weight for *_, weight in pieces]])
    lower_bounds = [(sizes[node][0] / 2, None) for node in index] + [(0, None)] * m
    found = linprog(cost, A_ub=np.array(rows), b_ub=bounds, bounds=lower_bounds)
    return {node: found.x[i] - sizes[node][0] / 2 for node, i in index.items()}


def _down(order: list[list[Node]], sizes: dict) -> tuple[list[tuple[float, float]], float]:
    """The top and the bottom of each layer, and the whole height."""
    bands, y = [], 0.0
    for rank, layer in enumerate(order):
        height = max((sizes[node][1] for node in layer), default=0)
        bands.append((y, y + height))
        y += height + (ABOVE if height or rank % 2 == 0 else 0)
    return bands, bands[-1][1]


def _line(nodes, ports: Point, rank, sizes, left, top) -> list[Point]:
    upper, *between, lower = nodes
    x = left[upper] + sizes[upper][0] / 2 + ports[0]
    points = [(x, top[rank[upper]][0] + sizes[upper][1])]
    if points[0][1] < top[rank[upper]][1]:
        points.append((x, top[rank[upper]][1]))
    for node in between:
        x = left[node] + sizes[node][0] / 2
        points += [(x, y) for y in dict.fromkeys(top[rank[node]])]
    x = left[lower] + sizes[lower][0] / 2 + ports[1]
    points.append((x, top[rank[lower]][0]))
    return list(dict.fromkeys(points))
