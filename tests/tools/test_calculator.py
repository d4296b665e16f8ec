import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_serving.domain.errors import ToolError
from agent_serving.domain.tool import ToolFunction

Calculator = Callable[[str], str]


@pytest.fixture(scope="session")
def calculator(functions: dict[str, ToolFunction]) -> Calculator:
    return functions["calculator"]


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("2 + 3 * 4", "14"),
        ("(2 + 3) * 4", "20"),
        ("2 ** 10", "1024"),
        ("2^10 + 1", "1025"),
        ("6 \N{MULTIPLICATION SIGN} 7 \N{MINUS SIGN} 2", "40"),
        ("6 / 3", "2"),
        ("10 / 4", "2.5"),
        ("0.1 + 0.2", "0.3"),
        ("1 / 3", "0.333333333333333"),
        ("3.0 * 2", "6"),
        ("7 // 2", "3"),
        ("-7 % 3", "2"),
        ("2 ** 200", str(2**200)),
        ("10 ** 30 / 10 ** 28", "100"),
        ("factorial(20)", "2432902008176640000"),
        ("sqrt(16)", "4"),
        ("round(19.99 * 1.07, 2)", "21.39"),
        ("max(1, 2.5, -3)", "2.5"),
        ("log(8, 2)", "3"),
        ("sin(pi / 2)", "1"),
        ("1e20 * 10", "1e+21"),
        ("1_000 * 2", "2000"),
    ],
)
def test_an_expression_has_its_value(calculator: Calculator, expression: str, result: str) -> None:
    assert calculator(expression) == result


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        ("1 / 0", "Division by zero"),
        ("9 ** 9 ** 9", "too large"),
        ("factorial(10 ** 9)", "too large"),
        ("1e308 * 10", "too large"),
        ("2 ** 4096", "too large"),
        ("round(5, -10 ** 9)", "at most 100 digits"),
        ("sqrt(-1)", "Cannot be evaluated"),
        ("(-8) ** (1 / 3)", "not a real number"),
        ("foo(1)", "There is no function foo. There are: sqrt"),
        ("x + 1", "x has no value here"),
        ("1,000 + 1", "without commas"),
        ("15% of 200", "Not an expression"),
        ("'a' * 1000000", "Cannot use"),
        ("(1).__class__", "Only arithmetic"),
        ("pi.real", "Only arithmetic"),
        ("sqrt", "not a real number"),
        ("True + 1", "not a real number"),
        ("1 if 1 else 2", "Only arithmetic"),
        ("1j", "not a real number"),
        ("x = 1", "Cannot use '='"),
        ("1; 2", "Cannot use ';'"),
        ("", "1 to 500 characters"),
        ("1+" * 300 + "1", "1 to 500 characters"),
        ("(" * 400 + "1" + ")" * 99, ""),
        ("-" * 499 + "1", ""),
    ],
)
def test_what_cannot_be_evaluated_is_a_tool_error_that_says_why(
    calculator: Calculator, expression: str, complaint: str
) -> None:
    if complaint:
        with pytest.raises(ToolError) as caught:
            calculator(expression)
        assert complaint in caught.value.message
    else:
        assert_a_number_or_a_tool_error(calculator, expression)


def assert_a_number_or_a_tool_error(calculator: Calculator, expression: str) -> None:
    began = time.process_time()
    try:
        float(calculator(expression))
    except ToolError:
        pass
    except OverflowError:
        assert len(calculator(expression)) > 300  # a whole number that no float holds
    assert time.process_time() - began < 10


NUMBERS = st.one_of(
    st.integers(-(10**25), 10**25).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(["0", "1", "2", "9", "0.5", "1e308", "pi", "e", "99999999999"]),
)
FUNCTIONS = st.sampled_from(
    ["sqrt", "exp", "log", "factorial", "round", "abs", "max", "gcd", "tan"]
)


def combined(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operators = st.sampled_from(["+", "-", "*", "/", "//", "%", "**", "^"])
    return st.one_of(
        st.tuples(parts, operators, parts).map(" ".join),
        st.tuples(parts, operators, parts).map(lambda three: f"({' '.join(three)})"),
        parts.map("-{}".format),
        st.tuples(FUNCTIONS, parts).map(lambda two: f"{two[0]}({two[1]})"),
        st.tuples(FUNCTIONS, parts, parts).map(lambda all: f"{all[0]}({all[1]}, {all[2]})"),
    )


@given(expression=st.recursive(NUMBERS, combined, max_leaves=12))
def test_any_arithmetic_ends_soon_with_a_number_or_a_tool_error(
    calculator: Calculator, expression: str
) -> None:
    assert_a_number_or_a_tool_error(calculator, expression)


@given(expression=st.text(st.sampled_from("0129.e+-*/%^(), _abcpisqrtxjJlambdforn"), max_size=60))
def test_any_spelling_ends_soon_with_a_number_or_a_tool_error(
    calculator: Calculator, expression: str
) -> None:
    assert_a_number_or_a_tool_error(calculator, expression)


@given(expression=st.text(st.characters(), max_size=40))
def test_any_text_ends_soon_with_a_number_or_a_tool_error(
    calculator: Calculator, expression: str
) -> None:
    assert_a_number_or_a_tool_error(calculator, expression)
