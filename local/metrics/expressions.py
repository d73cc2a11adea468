"""Metric math, as far as the service's alarms use it: numbers, ids, + - * /, comparisons and IF.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html

Its grammar is Python's for these, so that Python parses it. A comparison gives 1 or 0, an
operation on a metric without data gives no data, and so does a division by zero.
"""

import ast
import operator
from collections.abc import Mapping

OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


def check(texts: list[str]) -> None:
    """Raise ValueError for an expression with anything else in it, or for more than one."""
    if len(texts) != 1:
        raise ValueError("the local cloud takes exactly one expression in an alarm's metric math")
    for node in ast.walk(_parse(texts[0])):
        known = isinstance(
            node,
            ast.Name | ast.Load | ast.Constant | ast.BinOp | ast.Compare | ast.operator | ast.cmpop,
        )
        call = isinstance(node, ast.Call) and _is_if(node)
        if not known and not call:
            raise ValueError(f"the local cloud's metric math has no {ast.unparse(node)}")


def evaluate(text: str, values: Mapping[str, float | None]) -> float | None:
    """The expression's value with these values of metrics by id; None for no data."""
    return _evaluate(_parse(text), values)


def _parse(text: str) -> ast.expr:
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError as error:
        raise ValueError(f"no metric math: {text}") from error


def _evaluate(node: ast.expr, values: Mapping[str, float | None]) -> float | None:
    if isinstance(node, ast.Constant):
        return float(node.value)
    if isinstance(node, ast.Name):
        return values[node.id]
    if isinstance(node, ast.Call):
        condition, then, otherwise = node.args
        holds = _evaluate(condition, values)
        return None if holds is None else _evaluate(then if holds else otherwise, values)
    if isinstance(node, ast.BinOp):
        sides, apply = (node.left, node.right), OPERATORS[type(node.op)]
    else:
        sides, apply = (node.left, node.comparators[0]), OPERATORS[type(node.ops[0])]
    left, right = (_evaluate(side, values) for side in sides)
    if left is None or right is None or (apply is operator.truediv and right == 0):
        return None
    return float(apply(left, right))


def _is_if(node: ast.Call) -> bool:
    return isinstance(node.func, ast.Name) and node.func.id == "IF" and len(node.args) == 3
