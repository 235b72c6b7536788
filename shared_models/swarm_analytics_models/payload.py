"""Bases for payloads that leave fields out: what a body lacks may mean something else than null."""

from enum import Enum
from typing import Any, Final

from pydantic import (
    BaseModel,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)


class Unset(Enum):
    """The type of `UNSET`."""

    UNSET = "unset"

    def __repr__(self) -> str:
        return "UNSET"

    def __bool__(self) -> bool:
        return False


UNSET: Final = Unset.UNSET
"""An argument that was not given: in the signatures of methods whose payload is an `OmitsUnset`."""


class OmitsUnset(BaseModel):
    """A payload of which only those fields travel that were given; a null that was given is sent as null.

    Generated methods have `UNSET` for the default of each field whose default is None.
    """

    @model_validator(mode="before")
    @classmethod
    def _drop_unset(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {name: value for name, value in given.items() if value is not UNSET}

    @model_serializer(mode="wrap")
    def _only_given(
        self, serialize: SerializerFunctionWrapHandler, info: SerializationInfo
    ) -> dict[str, Any]:
        whole: dict[str, Any] = serialize(self)
        for name, field in type(self).model_fields.items():
            if name not in self.model_fields_set:
                alias = (field.serialization_alias or field.alias) if info.by_alias else None
                whole.pop(alias or name, None)
        return whole


class OmitsNone(BaseModel):
    """A payload of which those fields do not travel that are None."""

    @model_serializer(mode="wrap")
    def _without_none(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        whole: dict[str, Any] = serialize(self)
        return {name: value for name, value in whole.items() if value is not None}
