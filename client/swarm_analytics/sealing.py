"""A route's payloads, validated and serialised: what is wrong raises `pydantic.ValidationError`."""

from typing import Any, Final, NoReturn

from pydantic import BaseModel, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError, PydanticSerializationError

from swarm_analytics_models.values import refuse_unsound_json


class Sealer:
    """Everything about a request model that does not change from call to call.

    `most_bytes` is the longest JSON that is let through; `remedy` says what to do about a longer one.
    """

    def __init__(self, request: type[BaseModel], most_bytes: int, remedy: str) -> None:
        request.model_rebuild()
        self._title: Final = request.__name__
        self._most_bytes: Final = most_bytes
        self._remedy: Final = remedy
        self._validate: Final = request.__pydantic_validator__.validate_python
        self._to_json: Final = request.__pydantic_serializer__.to_json

    def seal(self, fields: dict[str, Any]) -> tuple[BaseModel, bytes]:
        """The payload that `fields` (by wire name) are, and its JSON by wire names."""
        payload: BaseModel = self._validate(fields)
        try:
            body = self._to_json(payload, by_alias=True)
        except PydanticSerializationError as error:
            self._refuse_unserialisable(payload, error)
        if len(body) > self._most_bytes:
            self._refuse_oversized(len(body))
        return payload, body

    def refuse(self, error: PydanticCustomError, given: object) -> NoReturn:
        """Raise `pydantic.ValidationError` for a payload as a whole."""
        details = InitErrorDetails(type=error, loc=(), input=given)
        raise ValidationError.from_exception_data(self._title, [details]) from None

    def _refuse_unserialisable(self, payload: BaseModel, error: PydanticSerializationError) -> NoReturn:
        """Text with a lone surrogate passes as `str` and fails as UTF-8: find it, and name its place."""
        try:
            refuse_unsound_json(payload.model_dump(mode="python", by_alias=True))
        except PydanticCustomError as unsound:
            self.refuse(unsound, type(payload).__name__)
        self.refuse(PydanticCustomError("not_json", "{cause}", {"cause": str(error)}), type(payload).__name__)

    def _refuse_oversized(self, size: int) -> NoReturn:
        error = PydanticCustomError(
            "too_large",
            "the body has {size} bytes as JSON, of which one may have {limit}; {remedy}",
            {"size": size, "limit": self._most_bytes, "remedy": self._remedy},
        )
        self.refuse(error, f"{size} bytes")
