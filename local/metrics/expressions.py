"""Metric math, as far as alarms use it here: numbers, metrics, arithmetic, comparisons and IF.

Values are time series ({period's start: value}) or numbers. Between two series the moments count
that both have.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html

CloudWatch's expressions of numbers, names, operators and calls are Python's, so Python parses them.
`^`, `&&` and `||` are not, and all functions but IF are missing: such an expression is refused.
"""

import ast
import operator
from collections.abc import Callable, Iterable

Series = dict[float, float]
Value = Series | float

_OPERATORS: dict[type, Callable] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


class UnknownExpressionError(ValueError):
    """An expression that is not emulated, or is none."""


def check(text: str, names: Iterable[str]) -> None:
    """Raise UnknownExpressionError unless the expression of metrics of these names has a value."""
    evaluate(text, {name: {0.0: 1.0} for name in names}, [0.0])


def evaluate(text: str, metrics: dict[str, Series], moments: list[float]) -> Series:
    """The expression's series; one that is a mere number has it at each of the moments."""
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        raise UnknownExpressionError(f"{text!r} is no expression that is known") from None

    def value_of(node: ast.expr) -> Value:
        match node:
            case ast.Constant(value=int() | float() as number):
                return float(number)
            case ast.Name(id=name) if name in metrics:
                return metrics[name]
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                return _combine(_OPERATORS[type(op)], value_of(left), value_of(right))
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _OPERATORS:
                return _combine(_OPERATORS[type(op)], value_of(left), value_of(right))
            case ast.Call(func=ast.Name(id="IF"), args=[_, _, _] as arguments, keywords=[]):
                return _choose(*map(value_of, arguments))
        raise UnknownExpressionError(
            f"the local cloud does not emulate {ast.unparse(node)} in the expression {text!r}"
        )

    try:
        value = value_of(tree)
    except ZeroDivisionError:
        raise UnknownExpressionError(f"{text!r} divides a number by zero") from None
    return value if isinstance(value, dict) else dict.fromkeys(moments, value)


def _choose(condition: Value, then: Value, otherwise: Value) -> Value:
    if not isinstance(condition, dict):
        return then if condition else otherwise
    chosen = {}
    for moment, holds in condition.items():
        value = then if holds else otherwise
        if not isinstance(value, dict):
            chosen[moment] = value
        elif moment in value:
            chosen[moment] = value[moment]
    return chosen


def _combine(operate: Callable, left: Value, right: Value) -> Value:
    if not isinstance(left, dict) and not isinstance(right, dict):
        return float(operate(left, right))
    moments = set.intersection(*(set(s) for s in (left, right) if isinstance(s, dict)))
    combined = {}
    for moment in sorted(moments):
        pair = (s[moment] if isinstance(s, dict) else s for s in (left, right))
        try:
            combined[moment] = float(operate(*pair))
        except ZeroDivisionError:
            continue  # no point there
    return combined
