"""Models that can be read by index, too: ``response["secret"]`` where an SDK once returned a dictionary."""

from typing import Any

from pydantic import BaseModel, SecretStr


class Indexed(BaseModel):
    """Fields under either name. A secret is hidden in the repr, and given by index."""

    def __getitem__(self, name: str) -> Any:
        for field, info in type(self).model_fields.items():
            if name in (field, info.alias):
                value = getattr(self, field)
                return value.get_secret_value() if isinstance(value, SecretStr) else value
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return any(name in (field, info.alias) for field, info in type(self).model_fields.items())

    def get(self, name: str, default: Any = None) -> Any:
        """As a dictionary's."""
        try:
            return self[name]
        except KeyError:
            return default
