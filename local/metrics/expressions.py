"""Metric math, as far as alarms and queries here use it.

Values are time series ({period's start: value}) or numbers. Between two series the moments count
that both have; SUM, AVG, MIN and MAX of several series take of each moment what there is; FILL puts
a number where a series has none.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html

CloudWatch's expressions of numbers, names, operators and calls are Python's, so Python parses them.
`^`, `&&` and `||` are not, and all but a few functions are missing: such an expression is refused.
"""

import ast
import operator
from collections.abc import Callable, Iterable
from statistics import fmean

Series = dict[float, float]
Value = Series | float | list[Series]

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
_TOTALS: dict[str, Callable] = {"SUM": sum, "AVG": fmean, "MIN": min, "MAX": max}


class UnknownExpressionError(ValueError):
    """An expression that is not emulated, or is none."""


def check(text: str, names: Iterable[str]) -> None:
    """Raise UnknownExpressionError unless the expression of metrics of these names has a value."""
    evaluate(text, {name: {0.0: 1.0} for name in names}, [0.0])


def evaluate(text: str, metrics: dict[str, Series], moments: list[float]) -> Series:
    """The expression's series; `moments` are those that FILL fills."""
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        raise UnknownExpressionError(f"{text!r} is no expression that is known") from None
    value = _Evaluation(text, metrics, moments).of(tree)
    if isinstance(value, list):
        raise UnknownExpressionError(f"{text!r} gives several time series")
    return value if isinstance(value, dict) else dict.fromkeys(moments, value)


class _Evaluation:
    def __init__(self, text: str, metrics: dict[str, Series], moments: list[float]):
        self._text, self._metrics, self._moments = text, metrics, moments

    def of(self, node: ast.expr) -> Value:
        match node:
            case ast.Constant(value=int() | float() as number):
                return float(number)
            case ast.Name(id=name) if name in self._metrics:
                return self._metrics[name]
            case ast.List(elts=elements):
                return [self._series(element) for element in elements]
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return _combine(operator.sub, 0.0, self._single(operand))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                return self._operate(op, left, right)
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _OPERATORS:
                return self._operate(op, left, right)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self._call(name, arguments)
        raise self._unknown(ast.unparse(node))

    def _operate(self, op: object, left: ast.expr, right: ast.expr) -> Value:
        return _combine(_OPERATORS[type(op)], self._single(left), self._single(right))

    def _call(self, name: str, arguments: list[ast.expr]) -> Value:
        match name, arguments:
            case "METRICS", []:
                return list(self._metrics.values())
            case (("SUM" | "AVG" | "MIN" | "MAX"), [argument]):
                return self._total(name, argument)
            case "FILL", [series, number]:
                return dict.fromkeys(self._moments, self._single(number)) | self._series(series)
            case "IF", [condition, then, otherwise]:
                return self._choose(*map(self._single, (condition, then, otherwise)))
        raise self._unknown(f"{name} of {len(arguments)}")

    def _total(self, name: str, argument: ast.expr) -> Value:
        value = self.of(argument)
        if isinstance(value, list):
            moments = sorted({moment for series in value for moment in series})
            return {
                moment: _TOTALS[name]([series[moment] for series in value if moment in series])
                for moment in moments
            }
        if isinstance(value, dict):
            return _TOTALS[name](value.values()) if value else {}
        return value

    def _choose(self, condition: Value, then: Value, otherwise: Value) -> Value:
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

    def _single(self, node: ast.expr) -> Series | float:
        value = self.of(node)
        if isinstance(value, list):
            raise self._unknown(f"{ast.unparse(node)} as one series")
        return value

    def _series(self, node: ast.expr) -> Series:
        value = self._single(node)
        return value if isinstance(value, dict) else dict.fromkeys(self._moments, value)

    def _unknown(self, what: str) -> UnknownExpressionError:
        return UnknownExpressionError(
            f"the local cloud does not emulate {what} in the expression {self._text!r}"
        )


def _combine(operate: Callable, left: Series | float, right: Series | float) -> Series | float:
    if not isinstance(left, dict) and not isinstance(right, dict):
        return _number(operate, left, right)
    moments = [s.keys() for s in (left, right) if isinstance(s, dict)]
    shared = set.intersection(*map(set, moments))
    combined = {}
    for moment in sorted(shared):
        pair = (s[moment] if isinstance(s, dict) else s for s in (left, right))
        value = _number(operate, *pair)
        if value is not None:
            combined[moment] = value
    return combined


def _number(operate: Callable, left: float, right: float) -> float | None:
    try:
        return float(operate(left, right))
    except ZeroDivisionError:
        return None  # no point there
