"""What no payload may carry, and what is converted instead of refused."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from swarm_analytics_models.values import INT64_MAX, INT64_MIN, MAX_DEPTH, FiniteFloat, FreeJson, Int64


class Holder(BaseModel):
    value: FreeJson = None
    integer: Int64 = 0
    number: FiniteFloat = 0.0


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (float("nan"), "non_finite_number"),
        ({"a": [1.0, float("inf")]}, "non_finite_number"),
        (-float("inf"), "non_finite_number"),
        (2**63, "integer_out_of_range"),
        ([-(2**63) - 1], "integer_out_of_range"),
        ("\ud800", "lone_surrogate"),
        ({"\udfff": 1}, "not_json"),
        ({"deep": {"er": "x\ud800"}}, "lone_surrogate"),
        (nested(MAX_DEPTH + 1), "too_deep"),
        (nested(100_000), "not_json"),
        (object(), "not_json"),
        (b"\xff\xfe", "not_json"),
    ],
)
def test_what_json_cannot_carry_is_refused_by_name(value: Any, kind: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Holder(value=value)
    assert [error["type"] for error in refused.value.errors()] == [kind]


def test_the_refusal_names_the_place_and_the_remedy() -> None:
    with pytest.raises(ValidationError, match=r"\['a'\]\[1\] is nan: JSON has no such number; send null"):
        Holder(value={"a": [0, float("nan")]})


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (None, None),
        (True, True),
        (INT64_MAX, INT64_MAX),
        (INT64_MIN, INT64_MIN),
        ("ü", "ü"),
        ({3}, [3]),
        ((1, "a"), [1, "a"]),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00Z"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Path("a/b"), "a/b"),
        (b"text", "text"),
        (nested(MAX_DEPTH), nested(MAX_DEPTH)),
    ],
)
def test_what_can_be_written_as_json_is_converted(value: Any, kept: Any) -> None:
    assert Holder(value=value).value == kept


@pytest.mark.parametrize("integer", [INT64_MAX + 1, INT64_MIN - 1, 10**4_000])
def test_integers_beyond_64_bits_are_refused(integer: int) -> None:
    with pytest.raises(ValidationError):
        Holder(integer=integer)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_are_refused(number: float) -> None:
    with pytest.raises(ValidationError):
        Holder(number=number)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(INT64_MIN, INT64_MAX)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(alphabet=st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc"), inner, max_size=4),
    max_leaves=20,
)


@given(json_values)
def test_sound_json_passes_unchanged_and_survives_the_wire(value: Any) -> None:
    held = Holder(value=value)
    assert held.value == value
    assert json.loads(held.model_dump_json())["value"] == value
