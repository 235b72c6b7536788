"""Payloads of the SegOps ingestion API.

Source: the service's sheet, sections 2 and 3 (its documentation and the package 0.2.2). An event has no id of
its own, and the service knows none.
"""

from pydantic import BaseModel, ConfigDict, Field

from swarm_analytics_models.values import FreeJson


class Payload(BaseModel):
    """What every payload shares; unknown fields are ignored, as the service does."""

    model_config = ConfigDict(allow_inf_nan=False, revalidate_instances="always", defer_build=True)


class TrackedEvent(Payload):
    """A user did something."""

    user_id: str = Field(
        min_length=1, description="The app's own id of the user; the service skips an empty one"
    )
    event_type: str = Field(min_length=1, description="Snake case is advised: order_placed")
    occurred_at: str = Field(description="ISO 8601")
    payload: dict[str, FreeJson] = Field(description="Properties of the event")
    anonymous_id: str | None = Field(
        default=None,
        exclude_if=lambda value: value is None,
        description="Links what was done before the user was known; left out where not given",
    )


class BatchTaken(Payload):
    """The service queued a batch, but for those that it skipped."""

    queued: int
    skipped: int = 0


class SessionOpened(Payload):
    """A session is opened, with a public key, for the user whose events follow."""

    user_id: str | None = Field(default=None, exclude_if=lambda value: not value)
    anonymous_id: str | None = Field(default=None, exclude_if=lambda value: not value)
    user_id_sig: str | None = Field(
        default=None,
        exclude_if=lambda value: not value,
        description="Hexadecimal HMAC-SHA256 of user_id|user_id_ts, by the app's backend",
    )
    user_id_ts: int | None = Field(default=None, exclude_if=lambda value: not value, description="Unix s")


class SessionToken(Payload):
    """A session's token; every event sent with it gets the session's user."""

    token: str
    expires_at: str
    uid: str | None = None
