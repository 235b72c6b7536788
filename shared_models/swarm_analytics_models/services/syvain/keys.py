"""Who asks: the API key, and the ingestion keys that are minted with it."""

from typing import Annotated, Any, Final

from pydantic import Field, model_validator

from swarm_analytics_models.services.syvain.base import (
    AuthKind,
    Envelope,
    ExperimentId,
    Input,
    Output,
    PathId,
)
from swarm_analytics_models.values import Int64

WEEK_MS: Final = 7 * 24 * 60 * 60 * 1000
"""Longest life of an ingestion key, in milliseconds (sheet, section 2)."""

KEY_NAME: Final = "SDK ingestion key"


class AuthIdentity(Output):
    kind: AuthKind


class Organization(Output):
    id: str
    name: str | None = None


class AuthStatusResponse(Output):
    """As whom the service knows the caller."""

    auth: AuthIdentity
    organization: Organization


class AuthStatusAnswer(Envelope):
    data: AuthStatusResponse


class AuthStatusRead(Input):
    """As whom the service knows the caller."""


class IngestionKey(Output):
    """A key that may write to one experiment; its token was shown when it was made."""

    id: str
    experiment_id: str
    name: str
    created_at_ms: int
    expires_at_ms: int
    revoked_at_ms: int | None = None
    last_used_at_ms: int | None = None


class IngestionKeysResponse(Output):
    """Several keys."""

    keys: list[IngestionKey]


class IngestionKeyResponse(Output):
    """One key."""

    key: IngestionKey


class IngestionKeyCreateResponse(Output):
    """A new key, and its token, which is told this once."""

    key: IngestionKey
    token: str = Field(repr=False)


class IngestionKeysAnswer(Envelope):
    data: IngestionKeysResponse


class IngestionKeyAnswer(Envelope):
    data: IngestionKeyResponse


class IngestionKeyCreateAnswer(Envelope):
    data: IngestionKeyCreateResponse


class IngestionKeysListed(Input):
    """The ingestion keys of an experiment."""

    experiment_id: ExperimentId


class IngestionKeyCreateInput(Input):
    """A new ingestion key. It always has a name."""

    name: Annotated[str, Field(min_length=1, max_length=200)] = KEY_NAME
    ttl_ms: Annotated[Int64, Field(gt=0, le=WEEK_MS)] | None = Field(
        default=None, exclude_if=lambda life: life is None
    )

    @model_validator(mode="before")
    @classmethod
    def _named(cls, given: Any) -> Any:
        return {"name": KEY_NAME, **given} if isinstance(given, dict) else given


class IngestionKeyCreated(IngestionKeyCreateInput):
    """A new ingestion key for an experiment. Its token is in the answer and nowhere else."""

    experiment_id: ExperimentId


class IngestionKeyRevoked(Input):
    """An ingestion key is valid no more."""

    experiment_id: ExperimentId
    key_id: PathId
