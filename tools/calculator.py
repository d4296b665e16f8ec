import ast
import math
import operator
from collections.abc import Callable

from simpleeval import FunctionNotDefined, InvalidExpression, NameNotDefined, SimpleEval

from agent_serving import ToolError, tool

Number = int | float

LONGEST = 500  # characters
WIDEST = 4096  # bits of a whole number, about 1200 digits
SPELLINGS = {
    "^": "**",
    "\N{MULTIPLICATION SIGN}": "*",
    "\N{DIVISION SIGN}": "/",
    "\N{MINUS SIGN}": "-",
}


@tool(effect="pure", timeout=5)
def calculator(expression: str) -> str:
    """Evaluate an arithmetic expression and return the number.

    Args:
        expression: Numbers with + - * / // % ** and parentheses; pi, e; sqrt, exp, log(x, base),
            sin, cos, tan (radians), radians, degrees, round(x, digits), floor, ceil, abs, min,
            max, gcd, factorial. Example: round(19.99 * 1.07, 2)
    """
    text = expression.strip()
    for written, meant in SPELLINGS.items():
        text = text.replace(written, meant)
    if not text or len(text) > LONGEST:
        raise ToolError(f"Give an expression of 1 to {LONGEST} characters.")
    if strange := {c for c in text if not (c.isascii() and (c.isalnum() or c in "+-*/%()., _"))}:
        raise ToolError(f"Cannot use {' '.join(sorted(strange))!r}: only numbers, + - * / ** ( ).")
    try:
        return _written(_number(_evaluator().eval(text)))
    except (ArithmeticError, InvalidExpression, SyntaxError, TypeError, ValueError) as error:
        raise ToolError(_complaint(error)) from None
    except (RecursionError, MemoryError):
        raise ToolError("The expression is nested too deeply.") from None


def _complaint(error: Exception) -> str:
    match error:
        case ZeroDivisionError():
            return "Division by zero."
        case OverflowError():
            return "The result is too large."
        case FunctionNotDefined():
            return f"There is no function {error.func_name}. There are: {', '.join(FUNCTIONS)}."
        case NameNotDefined():
            return f"{error.name} has no value here. Use numbers, pi and e."
        case InvalidExpression():
            return "Only arithmetic can be evaluated. Write thousands without commas: 1000."
        case SyntaxError():
            return f"Not an expression: {error.msg}."
        case _:
            return f"Cannot be evaluated: {error}."


def _evaluator() -> SimpleEval:
    names = {"pi": math.pi, "e": math.e}
    functions = {name: _bounded(function) for name, function in FUNCTIONS.items()}
    evaluator = SimpleEval(
        {sign: _bounded(function) for sign, function in OPERATORS.items()}, functions, names
    )
    # Arithmetic only: no attributes, no subscripts, no strings to multiply.
    for node in evaluator.nodes.keys() - NODES:
        del evaluator.nodes[node]
    return evaluator


def _bounded(function: Callable[..., Number]) -> Callable[..., Number]:
    def checked(*values: object) -> Number:
        return _number(function(*map(_number, values)))

    return checked


def _number(value: object) -> Number:
    if type(value) is int and value.bit_length() <= WIDEST:
        return value
    if type(value) is float and math.isfinite(value):
        return value
    if type(value) in (int, float):
        raise OverflowError
    raise ToolError("The expression is not a real number everywhere.")


def _power(base: Number, exponent: Number) -> Number:
    whole = isinstance(base, int) and isinstance(exponent, int)
    # Known before the work is done. The powers of 0, 1 and -1 stay small.
    if whole and abs(base) > 1 and int(base).bit_length() * exponent > 2 * WIDEST:
        raise OverflowError
    result: Number = base**exponent
    return result


def _divide(left: Number, right: Number) -> Number:
    whole = isinstance(left, int) and isinstance(right, int)
    return left // right if whole and left % right == 0 else left / right


def _factorial(value: int) -> int:
    if value > 500:
        raise OverflowError
    return math.factorial(value)


def _round(value: Number, digits: int = 0) -> Number:
    if abs(digits) > 100:
        raise ToolError("round takes at most 100 digits.")
    return round(value, digits)


def _written(value: Number) -> str:
    """Whole numbers exactly; others without the noise of binary fractions: 0.1 + 0.2 is 0.3."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    return str(value) if isinstance(value, int) else format(value, ".15g")


NODES = {ast.Expr, ast.UnaryOp, ast.BinOp, ast.Call, ast.Name, ast.Constant}
OPERATORS: dict[type[ast.AST], Callable[..., Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: _divide,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
FUNCTIONS: dict[str, Callable[..., Number]] = {
    "sqrt": math.sqrt,
    "exp": math.exp,
    "log": math.log,
    "log10": math.log10,
    "log2": math.log2,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "asin": math.asin,
    "acos": math.acos,
    "atan": math.atan,
    "radians": math.radians,
    "degrees": math.degrees,
    "round": _round,
    "floor": math.floor,
    "ceil": math.ceil,
    "abs": abs,
    "min": min,
    "max": max,
    "gcd": math.gcd,
    "factorial": _factorial,
}
