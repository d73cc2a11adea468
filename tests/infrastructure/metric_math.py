"""CloudWatch's metric math as far as the alarms use it; any other expression is refused.

There are numbers, metrics, `+ - * /`, comparisons and IF
(docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html). Such expressions
are Python's too, so Python parses them.
"""

import ast
import operator

_OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


class UnknownExpressionError(ValueError):
    """The expression is not read here, or is none."""


def evaluate(expression: str, metrics: dict[str, list[float | None]]) -> list[float | None]:
    """The expression's value in each period; None where a metric has none, or after `/ 0`.

    `metrics` has a value a period, None for a period without points.
    """
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
    except SyntaxError:
        raise UnknownExpressionError(expression) from None
    (periods,) = {len(series) for series in metrics.values()}
    return [
        _value(tree, {name: series[period] for name, series in metrics.items()})
        for period in range(periods)
    ]


def _value(node: ast.expr, metrics: dict[str, float | None]) -> float | None:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return number
        case ast.Name(id=name) if name in metrics:
            return metrics[name]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _combine(op, _value(left, metrics), _value(right, metrics))
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _OPERATORS:
            return _combine(op, _value(left, metrics), _value(right, metrics))
        case ast.Call(func=ast.Name(id="IF"), args=[_, _, _] as arguments, keywords=[]):
            condition, then, otherwise = (_value(each, metrics) for each in arguments)
            return None if condition is None else then if condition else otherwise
    raise UnknownExpressionError(ast.unparse(node))


def _combine(op: ast.AST, left: float | None, right: float | None) -> float | None:
    if left is None or right is None or (isinstance(op, ast.Div) and right == 0):
        return None
    return float(_OPERATORS[type(op)](left, right))
