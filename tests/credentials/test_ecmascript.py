"""JSON as ``JSON.stringify(JSON.parse(text))`` writes it; every expectation is what Node.js 22 answers."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm_analyticsd.credentials.ecmascript import canonical, number


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"b": 1, "a" : [ true , null ] }', '{"b":1,"a":[true,null]}'),
        ('{"b":1,"10":2,"9":3,"a":4,"0":5}', '{"0":5,"9":3,"10":2,"b":1,"a":4}'),
        ('{"x":{"2":1,"1":2}}', '{"x":{"1":2,"2":1}}'),
        ('{"01":1,"1.0":2,"-1":3,"1":4}', '{"1":4,"01":1,"1.0":2,"-1":3}'),
        ('{"4294967295":1,"4294967294":2,"0":3}', '{"0":3,"4294967294":2,"4294967295":1}'),
        ('{"a":1,"b":2,"a":3}', '{"a":3,"b":2}'),
        ('{"title":"d \\u00e9","emoji":"\\ud83d\\ude00"}', '{"title":"d é","emoji":"😀"}'),
        ('"\\ud800 \\udc00"', '"\\ud800 \\udc00"'),
        (
            '"\\u0000\\u001f\\u007f\\b\\t\\n\\f\\r\\"\\\\\\/\\u2028"',
            '"\\u0000\\u001f\x7f\\b\\t\\n\\f\\r\\"\\\\/\u2028"',
        ),
        ("[]", "[]"),
        ("{}", "{}"),
    ],
)
def test_texts_are_written_as_ecmascript_writes_them(text: str, expected: str) -> None:
    assert canonical(text.encode()).decode() == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.0", "1"),
        ("-0", "0"),
        ("-0.0", "0"),
        ("0.1", "0.1"),
        ("100", "100"),
        ("1e2", "100"),
        ("123.456", "123.456"),
        ("1e21", "1e+21"),
        ("1e20", "100000000000000000000"),
        ("123456789012345680000", "123456789012345680000"),
        ("12345678901234567890123", "1.2345678901234568e+22"),
        ("9007199254740993", "9007199254740992"),
        ("0.000001", "0.000001"),
        ("0.0000001", "1e-7"),
        ("0.00000123", "0.00000123"),
        ("1.5e-9", "1.5e-9"),
        ("-1.5e300", "-1.5e+300"),
        ("5e-324", "5e-324"),
        ("1.7976931348623157e308", "1.7976931348623157e+308"),
        ("1e400", "null"),
        ("-1e400", "null"),
        ("0.30000000000000004", "0.30000000000000004"),
        ("4.35", "4.35"),
        ("1" + "0" * 400, "null"),
    ],
)
def test_numbers_are_written_as_ecmascript_writes_them(text: str, expected: str) -> None:
    assert canonical(text.encode()).decode() == expected


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_written_so_is_the_same_number(value: float) -> None:
    assert float(number(value)) == value


@given(st.integers(min_value=-(2**53), max_value=2**53))
def test_an_integer_that_a_double_holds_keeps_its_digits(value: int) -> None:
    assert number(value) == str(value)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(_VALUES)
def test_writing_it_again_changes_neither_text_nor_meaning(value: object) -> None:
    once = canonical(json.dumps(value).encode())
    assert canonical(once) == once
    assert json.loads(once, parse_int=float) == value


def test_what_is_no_number_is_null() -> None:
    assert [number(value) for value in (math.nan, math.inf, -math.inf)] == ["null"] * 3


@pytest.mark.parametrize("text", ["", "{", b"\xff".decode("latin-1"), "[" * 100_000])
def test_what_is_no_json_is_not_signed(text: str) -> None:
    with pytest.raises(ValueError):
        canonical(text.encode("latin-1"))
