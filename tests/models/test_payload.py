"""Payloads that leave fields out."""

from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field

from swarm_analytics_models.payload import UNSET, OmitsNone, OmitsUnset


class Move(OmitsUnset):
    """A thing is moved; a parent of null is the root."""

    model_config = ConfigDict(populate_by_name=True, extra="forbid", revalidate_instances="always")

    name: str | None = None
    parent_id: str | None = Field(default=None, alias="parentId")
    deep: bool = False


class Moves(BaseModel):
    moves: list[Move]


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({}, {}),
        ({"parentId": None}, {"parentId": None}),
        ({"parent_id": "p", "name": "n"}, {"name": "n", "parentId": "p"}),
        ({"name": UNSET, "parentId": UNSET}, {}),
        ({"name": UNSET, "deep": False}, {"deep": False}),
    ],
)
def test_only_what_was_given_travels_and_a_null_that_was_given_is_sent(
    given: dict[str, Any], sent: dict[str, Any]
) -> None:
    move = Move.model_validate(given)
    assert move.model_dump(by_alias=True) == sent
    assert Move.model_validate_json(move.model_dump_json(by_alias=True)) == move


def test_it_holds_for_members_and_for_instances_that_are_validated_again() -> None:
    move = Move(parent_id=None)
    assert Moves(moves=[move]).model_dump_json(by_alias=True) == '{"moves":[{"parentId":null}]}'


def test_names_of_fields_are_dropped_where_names_of_fields_are_written() -> None:
    assert Move(name="n").model_dump() == {"name": "n"}


def test_not_given_reads_as_such_and_is_false() -> None:
    assert repr(UNSET) == "UNSET"
    assert not UNSET


def test_what_is_null_does_not_travel() -> None:
    class Note(OmitsNone):
        text: str | None = None
        free: Any = None

    assert Note(text=None, free={"kept": None}).model_dump_json() == '{"free":{"kept":null}}'
